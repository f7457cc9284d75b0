import { fstatSync, statSync } from 'node:fs';
import { ERRNO, errnoName, O, pathBytes } from '../../native/libc.ts';
import { decodeHostText, hostPathBytes } from '../../text.ts';
import type { FanotifyCalls } from './calls.ts';
import { isWithin } from '../ledger/host-path.ts';
import { join, rest, type Mount } from './mount-table.ts';

/** Where a handle leads: a path from the top of its filesystem; `gone` where its directory is no more. */
export type Resolved = { readonly path: string } | 'gone' | { readonly error: string };

/** The end of the link of a directory that was removed (d_path in the kernel). */
const DELETED = ' (deleted)';

/** The place in a filesystem from which its handles are opened. */
export class Anchor {
  readonly #calls: FanotifyCalls;
  /** The mount, or a descriptor of the whole filesystem that no path leads to. */
  readonly #at: Mount | number;
  #fd: number | undefined;

  constructor(calls: FanotifyCalls, at: Mount | number) {
    this.#calls = calls;
    this.#at = at;
  }

  /** Opens the directory of a handle (open_by_handle_at(2)) and asks the kernel for its path. */
  resolve(handle: Buffer): Resolved {
    const fd = this.open(handle);
    if (fd === -ERRNO.ESTALE || fd === -ERRNO.ENOENT) return 'gone';
    if (fd < 0) return { error: `open_by_handle_at: ${errnoName(fd)}` };
    try {
      return this.#path(fd);
    } finally {
      this.#calls.libc.close(fd);
    }
  }

  /** Opens the directory of a handle with O_PATH, to be closed by the caller; or gives `-errno`. */
  open(handle: Buffer): number {
    const anchor = this.#anchor();
    return anchor < 0 ? anchor : this.#calls.openByHandle(anchor, handle);
  }

  /** Lets the mount go: a descriptor that stayed open would keep people from unmounting it. */
  release(): void {
    if (this.#fd !== undefined) this.#calls.libc.close(this.#fd);
    this.#fd = undefined;
  }

  /** Closes a detached mount for good. */
  close(): void {
    this.release();
    if (typeof this.#at === 'number') this.#calls.libc.close(this.#at);
  }

  #anchor(): number {
    if (typeof this.#at === 'number') return this.#at;
    if (this.#fd !== undefined) return this.#fd;
    // open_by_handle_at takes no descriptor that was opened with O_PATH.
    const fd = this.#calls.libc.open(pathBytes(hostPathBytes(this.#at.point)), O.RDONLY | O.NONBLOCK);
    if (fd >= 0) this.#fd = fd;
    return fd;
  }

  #path(fd: number): Resolved {
    const link = this.#calls.nameOf(fd);
    if (typeof link === 'number') return { error: `/proc/self/fd: ${errnoName(link)}` };
    const path = decodeHostText(link);
    if (path.endsWith(DELETED) && fstatSync(fd).nlink === 0) return 'gone';
    if (typeof this.#at === 'number') return { path };
    const { point, root } = this.#at;
    // From the top of a filesystem the kernel says every path; from a part of it those outside without the mount point.
    if (!isWithin(point, path, 'linux') || (root !== '/' && !isSame(fd, path))) return 'gone';
    return { path: join(root, rest(path, point)) };
  }
}

/** Whether a path leads to what is open. */
function isSame(fd: number, path: string): boolean {
  try {
    const [open, found] = [
      fstatSync(fd, { bigint: true }),
      statSync(hostPathBytes(path), { bigint: true, throwIfNoEntry: false }),
    ];
    return found?.ino === open.ino && found.dev === open.dev;
  } catch {
    return false;
  }
}
