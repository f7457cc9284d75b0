import type { Reader } from '../table.ts';
import { updateRow, type Update } from '../updates.ts';
import { textOf } from './commands.ts';

/** `* Label: macOS Sonoma 14.5-23F79`, and before macOS 10.15 `* Safari14-14.0`. */
const LABEL = /^\s*\* (?:Label: )?(\S.*)$/;

/** Updates of macOS itself; security fixes come with them and, since 13, as responses of their own. */
const SYSTEM = /^(?:macOS|Security Update|Rapid Security Response|Background Security Improvement)\b/i;
const SECURITY = /\bsecurity\b/i;

/** `Title: Safari, Version: 17.5, Size: …`; a title may hold commas itself. */
const DETAILS = /^\s+Title: (.*?), Version: ([^,]*)(?:,|$)/;

/** `Safari (14.0), 66000K [recommended]`, before macOS 10.15. */
const OLD_DETAILS = /^\s+(\S.*) \(([^()]+)\), \d+K\b/;

/**
 * Updates by the last scan of macOS itself; lines in the English that the C locale gives (softwareupdate(8): `--list`,
 * `--no-scan`).
 */
export function* updatesListed(text: string): Generator<Update> {
  let label: string | undefined;
  for (const line of text.split('\n')) {
    const labelled = LABEL.exec(line)?.[1];
    if (labelled !== undefined) {
      label = labelled.trim();
      continue;
    }
    const [, title, version] = DETAILS.exec(line) ?? OLD_DETAILS.exec(line) ?? [];
    if (label === undefined || title === undefined || version === undefined) continue;
    yield updateOf(label, title, version.trim());
    label = undefined;
  }
}

/** The label tells two updates of one title apart: it names the build. */
function updateOf(label: string, title: string, version: string): Update {
  const isSecurity = SYSTEM.test(title) && SECURITY.test(title);
  return {
    manager: 'softwareupdate',
    package: label,
    candidateVersion: version,
    repository: 'Apple',
    ...(isSecurity && { security: true }),
  };
}

export const updatesMacos: Reader = {
  source: 'softwareupdate --list --no-scan',
  root: 'no',
  async *read(context) {
    for (const update of updatesListed(await textOf(context, 'softwareupdate', '--list', '--no-scan')))
      yield updateRow(update);
  },
};
