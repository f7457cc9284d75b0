import { errnoName, O, pathBytes } from '../../native/libc.ts';
import { hostPathBytes } from '../../text.ts';
import type { MountState } from '../../../shared/sensor.ts';
import { Anchor } from './anchor.ts';
import type { FanotifyCalls } from './calls.ts';
import { FAN_MARK } from './fanotify-abi.ts';
import { isRemote, REMOTE_REASON, showsKernel } from './filesystem-kinds.ts';
import type { FanotifyGroup } from './group.ts';
import { isWithin } from '../ledger/host-path.ts';
import { join, rest, type Mount, type MountTable } from './mount-table.ts';

const CONTAINER =
  /^\/(var\/lib\/(docker|containerd|containers|kubelet|rancher|lxc|machines)|run\/(containerd|docker))\//;

type Method = MountState['method'];

/** How a filesystem came to be heard. */
export interface Marked {
  readonly method: Method;
  readonly reason?: string;
  /** `f_fsid` in the events of the filesystem's mark. */
  readonly fsid?: string;
  readonly anchor?: Anchor;
  /** Root of a detached mount of the whole filesystem, closed with the anchor. */
  readonly top?: number;
}

/** What marking needs. */
export interface MarkContext {
  readonly calls: FanotifyCalls;
  /** The group of filesystem marks, and that of directories. */
  readonly filesystems: FanotifyGroup;
  readonly directories: FanotifyGroup;
}

/**
 * Marks the filesystem of a mount by the first way that it takes: as a whole; btrfs through a mount of its top level, as a
 * subvolume takes no mark; directory by directory, which the caller does; otherwise not at all, which the result says.
 * `whole` is a visible mount of the same filesystem from its top, where there is one.
 */
export function markFilesystem(context: MarkContext, mount: Mount, whole: Mount | undefined): Marked {
  if (showsKernel(mount.type)) return { method: 'none', reason: 'a filesystem of the kernel itself' };
  if (isRemote(mount.type)) return { method: 'rescan only', reason: REMOTE_REASON };
  const { calls, filesystems, directories } = context;
  const point = hostPathBytes(mount.point);
  const result = filesystems.mark(FAN_MARK.ADD | FAN_MARK.FILESYSTEM, point);
  if (result >= 0) return wholeFilesystem(calls, point, new Anchor(calls, whole ?? mount));
  const btrfs = mount.type === 'btrfs' ? markTopLevel(context, mount) : undefined;
  if (btrfs !== undefined) return btrfs;
  const byDirectory = directories.mark(FAN_MARK.ADD | FAN_MARK.ONLYDIR, point);
  const reason = `no mark of the filesystem: ${errnoName(result)}`;
  if (byDirectory >= 0) return { method: 'inode marks', reason };
  return { method: 'file watcher', reason: `${reason}; of a directory: ${errnoName(byDirectory)}` };
}

function wholeFilesystem(calls: FanotifyCalls, point: string | Buffer, anchor: Anchor): Marked {
  const fsid = calls.fsid(point);
  if (typeof fsid === 'string') return { method: 'filesystem mark', fsid, anchor };
  return { method: 'file watcher', reason: `statfs: ${errnoName(fsid)}` };
}

/** A subvolume has an `fsid` of its own and takes no mark (EXDEV); the top level (`subvolid=5`) does, for all of them. */
function markTopLevel(context: MarkContext, mount: Mount): Marked | undefined {
  const { calls, filesystems } = context;
  const options = { subvolid: '5', ...(mount.options.includes('ro') ? { ro: true as const } : {}) };
  const top = openDetached(calls, mount.source, options);
  if (top < 0) return undefined;
  const fsid = calls.fsid(`/proc/self/fd/${top}`);
  const result = filesystems.mark(FAN_MARK.ADD | FAN_MARK.FILESYSTEM, '.', top);
  if (result < 0 || typeof fsid !== 'string') {
    calls.libc.close(top);
    return undefined;
  }
  return { method: 'btrfs top-level mount', fsid, top, anchor: new Anchor(calls, top) };
}

/** A descriptor of the root of a detached mount that handles can be opened with; it keeps the mount. */
function openDetached(
  calls: FanotifyCalls,
  source: string,
  options: Readonly<Record<string, string | true>>,
): number {
  const mount = calls.mountDetached('btrfs', source, options);
  if (mount < 0) return mount;
  const top = calls.libc.open(pathBytes(`/proc/self/fd/${mount}/.`), O.RDONLY);
  calls.libc.close(mount);
  return top;
}

/** One filesystem that rules touch, with the mounts through which they do. */
export interface WatchedFilesystem extends Marked {
  readonly device: string;
  readonly mounts: readonly Mount[];
}

/** The paths of the host that show this path of a filesystem, through the mounts that rules touch. */
export function hostPaths(filesystem: WatchedFilesystem, path: string, table: MountTable): string[] {
  return filesystem.mounts.flatMap((mount) => {
    if (!isWithin(mount.root, path, 'linux')) return [];
    const host = join(mount.point, rest(path, mount.root));
    // Another mount may lie over it.
    return table.mountOf(host)?.id === mount.id ? [host] : [];
  });
}

/** The state of one mount, as status shows it. */
export function mountState(mount: Mount, { method, reason }: Marked): MountState {
  const notes = [
    reason,
    mount.type === 'overlay'
      ? 'overlay: changes made in its layers from outside are found by the rescan'
      : undefined,
    CONTAINER.test(mount.point) ? 'part of a container' : undefined,
    mount.root !== '/' && mount.type !== 'btrfs' ? `shows ${mount.root} of its filesystem` : undefined,
  ].filter((note) => note !== undefined);
  const state = { mount: mount.point, filesystem: mount.type, method };
  return notes.length === 0 ? state : { ...state, note: notes.join('; ').slice(0, 300) };
}

/**
 * Takes the mark of a filesystem away. It is named by what is open and has the same `fsid`, never by a path alone: after an
 * unmount the path leads to another filesystem, whose mark has to stay.
 */
export function unmarkFilesystem({ calls, filesystems }: MarkContext, watched: WatchedFilesystem): void {
  const flags = FAN_MARK.REMOVE | FAN_MARK.FILESYSTEM;
  const [mount] = watched.mounts;
  if (watched.top !== undefined) filesystems.mark(flags, '.', watched.top);
  else if (watched.fsid !== undefined && mount !== undefined) {
    const fd = calls.libc.open(pathBytes(hostPathBytes(mount.point)), O.PATH);
    if (fd >= 0 && calls.fsid(`/proc/self/fd/${fd}`) === watched.fsid) filesystems.mark(flags, '.', fd);
    if (fd >= 0) calls.libc.close(fd);
  }
  watched.anchor?.close();
}
