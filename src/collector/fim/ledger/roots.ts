import { accessSync, constants, lstatSync, realpathSync } from 'node:fs';
import type { FimRule } from '../../../shared/file-integrity.ts';
import { anchored } from '../../no-links.ts';
import { decodeHostText, hostPathBytes } from '../../text.ts';
import type { Os } from '../../table.ts';
import { codeOf } from '../../open-file.ts';
import { splitPath } from './host-path.ts';
import type { FromLedger } from './messages.ts';

type Troubles = Extract<FromLedger, { kind: 'rules' }>['troubles'];
type Trouble = Omit<Troubles[number], 'id'>;

/** Which rules name a path that is not there or can't be read, and why. Registry keys are not files and are left out. */
export function rootTroubles(rules: readonly FimRule[]): Troubles {
  return rules.flatMap((rule) => {
    const trouble = rule.kind === 'registry' ? undefined : troubleOf(rule);
    return trouble === undefined ? [] : [{ id: rule.id, ...trouble }];
  });
}

function troubleOf({ path, kind }: FimRule): Trouble | undefined {
  try {
    const stat = lstatSync(hostPathBytes(path), { throwIfNoEntry: false });
    if (stat === undefined) return { state: 'absent', reason: 'there is nothing at this path' };
    if (leadsElsewhere(path, stat.isSymbolicLink()))
      return { state: 'unreadable', reason: 'a link leads elsewhere' };
    if (kind !== 'directory') return undefined;
    if (!stat.isDirectory()) return { state: 'unreadable', reason: 'it is no directory' };
    accessSync(hostPathBytes(path), constants.R_OK | constants.X_OK);
    return undefined;
  } catch (error) {
    return codeOf(error) === 'ENOTDIR'
      ? { state: 'absent', reason: 'there is nothing at this path' }
      : { state: 'unreadable', reason: codeOf(error) };
  }
}

/** Whether a component above the last is a link; the first may be (`anchored`). */
function leadsElsewhere(path: string, isLink: boolean): boolean {
  const looked = isLink ? splitPath(path, process.platform as Os).parent : path;
  const real = decodeHostText(realpathSync.native(hostPathBytes(looked), 'buffer'));
  const bare = looked.length > 1 ? looked.replace(/[/\\]+$/, '') : looked;
  return real !== bare && real !== anchored('/', bare) && process.platform === 'linux';
}
