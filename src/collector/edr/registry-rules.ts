import type { EdrRuleParams } from '../../shared/process-events.ts';
import { severityNumber } from '../../shared/host-events.ts';
import type { UnsealedEdrEvent } from '../../wire/event-chain.ts';
import type { RegistryChange } from '../fim/windows/audit-events.ts';
import { encodeHostText } from '../text.ts';

/** A rule of the table `registry_events` with the id of its task. */
export type RegistryRule = EdrRuleParams<'registry_events'> & { readonly id: string };

/** Long names of the hives that rules may use. */
const HIVES: readonly (readonly [long: string, short: string])[] = [
  ['hkey_local_machine', 'hklm'],
  ['hkey_users', 'hku'],
];

/**
 * The event of a registry value that was set or deleted below a key of a rule (R201); `undefined` where no rule has it. A
 * key below HKCU is that of every user.
 */
export function registryEvent(
  change: RegistryChange,
  rules: readonly RegistryRule[],
  uuid: () => string,
): UnsealedEdrEvent | undefined {
  const key = change.key.toLowerCase();
  const rule = rules.find(({ keys }) => keys.some((named) => isBelow(key, named)));
  if (rule === undefined) return undefined;
  return {
    '@timestamp': new Date(change.at).toISOString(),
    event: {
      id: uuid(),
      kind: 'event',
      module: 'edr',
      category: ['registry'],
      type: [change.operation],
      action: 'registry_value_set',
      severity: severityNumber(rule.severity),
      provider: 'security log',
    },
    rule: { id: rule.id },
    process: change.process,
    ...(change.user === undefined ? {} : { user: change.user }),
    wayfarer: {
      severity: rule.severity,
      item: encodeHostText(`${change.key}\\${change.value}`, 'win32').slice(0, 4_096),
    },
  };
}

/** Whether a key, in lower case, is the named one or below it. */
function isBelow(key: string, named: string): boolean {
  const wanted = short(named.toLowerCase().replace(/\\+$/, ''));
  if (wanted.startsWith('hkcu\\')) {
    const rest = /^hku\\[^\\]+(\\.*)$/s.exec(key)?.[1];
    return rest !== undefined && startsAs(rest, wanted.slice('hkcu'.length));
  }
  return startsAs(key, wanted);
}

function short(key: string): string {
  const current = key.replace(/^hkey_current_user(?=\\|$)/, 'hkcu');
  const found = HIVES.find(([long]) => current === long || current.startsWith(`${long}\\`));
  return found === undefined ? current : found[1] + current.slice(found[0].length);
}

const startsAs = (key: string, wanted: string): boolean => key === wanted || key.startsWith(`${wanted}\\`);
