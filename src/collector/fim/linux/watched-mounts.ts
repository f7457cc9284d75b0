import type { MountState } from '../../../shared/sensor.ts';
import { ERRNO } from '../../native/libc.ts';
import { fsidOf, handleOf } from './decode.ts';
import {
  hostPaths,
  markFilesystem,
  mountState,
  unmarkFilesystem,
  type MarkContext,
  type WatchedFilesystem,
} from './filesystem.ts';
import { isWithin } from '../ledger/host-path.ts';
import type { Mount, MountTable } from './mount-table.ts';
import type { Scope } from './scope.ts';

/** Which mounts came and went. */
export interface MountChanges {
  readonly added: readonly Mount[];
  readonly removed: readonly Mount[];
}

/** The mounts that rules touch: those that a rule's path leads to, and those below it that are not left out. */
export function touchedMounts(table: MountTable, scope: Scope): Mount[] {
  const roots = scope.roots();
  const led = new Set(roots.map((root) => table.mountOf(root)?.id));
  return table.mounts.filter(
    (mount) =>
      led.has(mount.id) ||
      (roots.some((root) => isWithin(root, mount.point, 'linux')) &&
        scope.interest(mount.point).entries !== 'none' &&
        table.isVisible(mount)),
  );
}

/** Where the directory of a handle is: paths of the host, `gone`, or why that can't be said. */
export type Located = readonly string[] | 'gone' | { readonly error: string };

/** The mounts that rules touch, how each is heard, and what a handle of theirs leads to. */
export class WatchedMounts {
  readonly #context: MarkContext;
  #table: MountTable;
  #filesystems: WatchedFilesystem[] = [];

  constructor(context: MarkContext, table: MountTable) {
    this.#context = context;
    this.#table = table;
  }

  get table(): MountTable {
    return this.#table;
  }

  /** Marks what rules touch now and did not before, and lets go of what they do no more. */
  update(table: MountTable, scope: Scope): MountChanges {
    const before = this.#mounts();
    const touched = touchedMounts(table, scope);
    this.#table = table;
    const devices = new Set(touched.map(({ device }) => device));
    const old = this.#filesystems;
    this.#filesystems = [];
    // Marked again each time, which changes nothing on a filesystem that has its mark: one that was unmounted and mounted
    // again between two looks has lost it and looks the same.
    for (const device of devices) {
      const mounts = touched.filter((mount) => mount.device === device);
      this.#filesystems.push(this.#mark(device, mounts));
    }
    for (const filesystem of old) this.#leave(filesystem);
    const now = this.#mounts();
    return { added: without(now, before), removed: without(before, now) };
  }

  /** Mounts whose directories have to be marked one by one. */
  byDirectory(): Mount[] {
    return this.#filesystems.flatMap(({ method, mounts }) => (method === 'inode marks' ? mounts : []));
  }

  /** Where a file watcher has to stand in on mounts that take no mark: where rules lead to, and what is mounted below them. */
  unmarked(scope: Scope): string[] {
    const mounts = this.#filesystems.flatMap((each) => (each.method === 'file watcher' ? each.mounts : []));
    const ids = new Set(mounts.map(({ id }) => id));
    const roots = scope.roots();
    const led = roots.filter((root) => ids.has(this.#table.mountOf(root)?.id ?? -1));
    const below = mounts
      .filter((mount) => this.#table.isVisible(mount))
      .map(({ point }) => point)
      .filter((point) => roots.some((root) => isWithin(root, point, 'linux')));
    return [...new Set([...led, ...below])];
  }

  /** Where the directory of an event is (`DirectoryEntry.directory`). No path for one that no rule touches. */
  locate(directory: string): Located {
    const filesystem = this.#filesystemOf(directory);
    if (filesystem?.anchor === undefined) return [];
    const resolved = filesystem.anchor.resolve(handleOf(directory));
    if (resolved === 'gone' || 'error' in resolved) return resolved;
    return hostPaths(filesystem, resolved.path, this.#table);
  }

  /** Opens the directory of an event, or gives `-errno`. */
  open(directory: string): number {
    return this.#filesystemOf(directory)?.anchor?.open(handleOf(directory)) ?? -ERRNO.ESTALE;
  }

  /** Closes what was opened for `locate`: at the end of every turn. */
  release(): void {
    for (const { anchor } of this.#filesystems) anchor?.release();
  }

  states(): MountState[] {
    return this.#filesystems.flatMap((filesystem) =>
      filesystem.mounts.map((mount) => mountState(mount, filesystem)),
    );
  }

  close(): void {
    for (const { anchor } of this.#filesystems) anchor?.close();
    this.#filesystems = [];
  }

  #filesystemOf(directory: string): WatchedFilesystem | undefined {
    const fsid = fsidOf(directory);
    return this.#filesystems.find((candidate) => candidate.fsid === fsid);
  }

  #leave(old: WatchedFilesystem): void {
    if (this.#filesystems.some(({ fsid }) => fsid === old.fsid)) old.anchor?.close();
    else unmarkFilesystem(this.#context, old);
  }

  #mounts(): Mount[] {
    return this.#filesystems.flatMap(({ mounts }) => mounts);
  }

  #mark(device: string, mounts: readonly Mount[]): WatchedFilesystem {
    const visible = mounts.find((mount) => this.#table.isVisible(mount));
    if (visible === undefined)
      return { device, mounts, method: 'none', reason: 'hidden below another mount' };
    const whole = this.#table.mounts.find(
      (mount) => mount.device === device && mount.root === '/' && this.#table.isVisible(mount),
    );
    const marked = markFilesystem(this.#context, visible, whole);
    const twin = this.#filesystems.find(({ fsid }) => fsid !== undefined && fsid === marked.fsid);
    if (twin === undefined) return { ...marked, device, mounts };
    // Its events could not be told from the other's, and the handles of a copy are the same.
    marked.anchor?.close();
    const reason = `has the identifier of the filesystem at ${twin.mounts[0]?.point ?? '?'}`;
    return { device, mounts, method: 'file watcher', reason };
  }
}

function without(mounts: readonly Mount[], others: readonly Mount[]): Mount[] {
  return mounts.filter((mount) => !others.some(({ id, point }) => id === mount.id && point === mount.point));
}
