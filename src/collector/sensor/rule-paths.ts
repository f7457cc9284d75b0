import { lstatSync, readFileSync, readlinkSync } from 'node:fs';
import { posix } from 'node:path';
import type { FimRule } from '../../shared/file-integrity.ts';
import type { RuleState } from '../../shared/sensor.ts';
import { REMOTE_REASON, remoteMountOf } from '../fim/linux/filesystem-kinds.ts';
import { isWithin } from '../fim/ledger/host-path.ts';
import { MountTable, type Mount } from '../fim/linux/mount-table.ts';
import type { Os } from '../table.ts';
import { decodeHostText, encodeHostText, hostPathBytes } from '../text.ts';
import type { FileWatchState } from './file-watch.ts';
import { realRoot, stateOfRule, type RealPath } from './fim-rules.ts';

/** Links on the way to one path, as Linux bounds them (path_resolution(7)). */
const MOST_LINKS = 40;

/** How the paths of rules are looked at. */
export interface RulePaths {
  /** A rule's path with the links on its way resolved. */
  readonly real: RealPath;
  /** Whether it is there and can be looked at. */
  readonly stateOf: (rule: FimRule) => RuleState;
}

/**
 * The paths of rules on this host, by its mounts as they are now. On Linux nothing is asked of a filesystem behind which a
 * server or a program of a user is: the thread that reads the kernel's events would wait with it. `mountinfo`: its bytes, the
 * process's own unless a test brings them.
 */
export function rulePaths(os: Os, mountinfo: () => Uint8Array = ownMountinfo): RulePaths {
  if (os !== 'linux') return { real: realRoot, stateOf: stateOfRule };
  const table = new MountTable(mountinfo());
  return {
    real: ({ kind, path }) => {
      if (kind === 'registry') return path;
      if (kind === 'directory') return resolve(path, table).path;
      return posix.join(resolve(posix.dirname(path), table).path, posix.basename(path));
    },
    stateOf: (rule) => {
      const { path } = rule;
      const above = resolve(posix.dirname(path), table);
      const behind = above.behind ?? remoteMountOf(posix.join(above.path, posix.basename(path)), table);
      if (behind === undefined) return stateOfRule(rule);
      const reason = `looked at in walks alone: it is on ${behind.point} (${behind.type}), ${REMOTE_REASON}`;
      return { id: rule.id, path, state: 'unreadable', reason: reason.slice(0, 300) };
    },
  };
}

/** Where a path leads as far as it exists, name by name, up to the mount `behind` which nothing may be asked. */
function resolve(path: string, table: MountTable): { path: string; behind: Mount | undefined } {
  let done = '/';
  let links = 0;
  const names = namesOf(path);
  for (let name = names.shift(); name !== undefined; name = names.shift()) {
    const next = posix.join(done, name);
    const behind = remoteMountOf(next, table);
    const link = behind === undefined ? linkAt(next) : undefined;
    if (behind !== undefined || link === null) return { path: posix.join(next, ...names), behind };
    if (link === undefined) {
      done = next;
      continue;
    }
    links += 1;
    if (links > MOST_LINKS) return { path: posix.join(next, ...names), behind: undefined };
    if (link.startsWith('/')) done = '/';
    names.unshift(...namesOf(link));
  }
  return { path: done, behind: undefined };
}

const namesOf = (path: string): string[] => path.split('/').filter((name) => name !== '' && name !== '.');

/** What the link at a path says; `undefined` for what is none, `null` where nothing can be read. */
function linkAt(path: string): string | null | undefined {
  try {
    const bytes = hostPathBytes(path);
    if (!lstatSync(bytes).isSymbolicLink()) return undefined;
    return decodeHostText(readlinkSync(bytes, { encoding: 'buffer' }));
  } catch {
    return null;
  }
}

function ownMountinfo(): Uint8Array {
  try {
    return readFileSync('/proc/self/mountinfo');
  } catch {
    return new Uint8Array();
  }
}

/**
 * Why changes of this path are not heard now: no source runs, or the mount that it is on is only walked. `undefined` where
 * they are. Pure.
 */
export function whyNotHeard(
  path: string,
  { provider, trouble, mounts }: Pick<FileWatchState, 'provider' | 'trouble' | 'mounts'>,
  os: Os,
): string | undefined {
  if (provider === undefined) return (trouble ?? 'no source of file changes runs').slice(0, 300);
  const spellings = [folded(path, os), folded(encodeHostText(path, os), os)];
  const on = mounts
    .filter(({ mount }) => spellings.some((spelling) => isWithin(folded(mount, os), spelling, os)))
    .reduce<(typeof mounts)[number] | undefined>(
      (longest, each) => (longest !== undefined && longest.mount.length > each.mount.length ? longest : each),
      undefined,
    );
  if (on === undefined || (on.method !== 'none' && on.method !== 'rescan only')) return undefined;
  return `looked at in walks alone: ${on.mount}: ${on.note ?? on.method}`.slice(0, 300);
}

const folded = (path: string, os: Os): string => (os === 'win32' ? path.toLowerCase() : path);
