import type { ConditionSpec } from '../../src/shared/condition-spec.ts';
import { CONDITIONS } from '../../src/shared/conditions.ts';
import { ExitCode } from '../../src/shared/exit-codes.ts';
import { definitionOf, SETTING_NAMES, settingText } from '../../src/main/host/setting-definitions.ts';

/** A Markdown table; a bar inside a cell is escaped. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n') + '\n';
}

function conditionRow(code: string, spec: ConditionSpec): string[] {
  return [
    `\`${code}\``,
    spec.severity,
    spec.stopsUploads === true ? 'yes' : '',
    spec.showAfterSec === undefined ? '' : `${spec.showAfterSec} s`,
    spec.text.replace(/\{(\w+)\}/g, '*$1*'),
  ];
}

/** Every condition an agent can report, from the registry itself. */
export function conditionsTable(): string {
  return table(
    ['code', 'severity', 'stops uploads', 'shows after', 'text'],
    Object.entries(CONDITIONS).map(([code, spec]) => conditionRow(code, spec)),
  );
}

/** What each exit code means. */
export const EXIT_CODE_TEXTS: Readonly<Record<keyof typeof ExitCode, string>> = {
  ok: 'done, running or accepted',
  failed: 'failed; the reason is on stderr',
  usage: 'wrong arguments',
  refused: 'refused; the reason is on stderr',
  notRunning: 'installed, but not running or not reachable',
  notInstalled: 'not installed',
  notProvisioned: 'not provisioned yet',
  permission: 'not permitted; run it as root or administrator',
  timeout: 'no answer in time',
};

/** Exit codes of every command. */
export function exitCodesTable(): string {
  const names = Object.keys(ExitCode) as (keyof typeof ExitCode)[];
  return table(
    ['exit code', 'means'],
    names.map((name) => [String(ExitCode[name]), EXIT_CODE_TEXTS[name]]),
  );
}

/** Every setting of `agent.conf`, from the table that parses it. */
export function settingsTable(): string {
  return table(
    ['setting', 'environment', 'form', 'default', 'means'],
    SETTING_NAMES.map((name) => {
      const { environment, form, comment, needed, default: value } = definitionOf(name);
      const absent = needed === true ? 'needed' : 'none';
      return [name, `\`${environment}\``, form, value === undefined ? absent : settingText(value), comment];
    }),
  );
}
