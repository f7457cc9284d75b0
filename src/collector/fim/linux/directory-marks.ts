import { opendirSync, type Dirent } from 'node:fs';
import { errnoName, O, pathBytes } from '../../native/libc.ts';
import { decodeHostText, hostPathBytes } from '../../text.ts';
import type { FanotifyCalls } from './calls.ts';
import { FAN_MARK } from './fanotify-abi.ts';
import type { FanotifyGroup } from './group.ts';
import { isWithin } from '../ledger/host-path.ts';
import { join, rest, type MountTable } from './mount-table.ts';
import { covers, type Scope } from './scope.ts';

/** Most directories that are marked one by one: each holds an inode in the kernel's memory, about 1 KB. */
const MAX_DIRECTORIES = 100_000;
/** Directories of one turn, after which events have theirs. */
const PER_TURN = 50;

/** What walks of directories tell. */
export interface DirectoryMarksEvents {
  /** An entry that was in a new directory before it was marked: who made it can't be known. */
  readonly found: (path: string, directory: boolean) => void;
  /** All that is asked for below this directory is marked from now on, as far as that goes. */
  readonly walked: (path: string, announced: boolean) => void;
}

interface Task {
  readonly path: string;
  readonly announce: boolean;
  /** The directory whose walk this belongs to. */
  readonly top: Walk;
}
interface Walk {
  readonly path: string;
  left: number;
}

/**
 * Marks on directories, for filesystems that take none as a whole (overlay): on every directory that a rule asks for, and
 * on new ones as they appear. Such a filesystem does not open handles, so each directory's is taken down when it is marked.
 */
export class DirectoryMarks {
  readonly #calls: FanotifyCalls;
  readonly #group: FanotifyGroup;
  readonly #events: DirectoryMarksEvents;
  #scope: Scope;
  /** Mount points: what lies below them belongs to others. */
  #points: ReadonlySet<string> = new Set();
  #walked = new Set<string>();
  /** Paths by handle: several where a filesystem is mounted twice. */
  readonly #paths = new Map<string, readonly string[]>();
  readonly #queue: Task[] = [];
  #due = false;
  #closed = false;
  #refused = new Map<string, string>();

  constructor(options: {
    calls: FanotifyCalls;
    group: FanotifyGroup;
    scope: Scope;
    events: DirectoryMarksEvents;
  }) {
    this.#calls = options.calls;
    this.#group = options.group;
    this.#events = options.events;
    this.#scope = options.scope;
  }

  /** Begins anew: all marks go, and are set again below these mount points while the event loop turns. */
  restart(scope: Scope, table: MountTable, points: readonly string[]): void {
    this.#scope = scope;
    this.#paths.clear();
    this.#refused.clear();
    this.#queue.length = 0;
    this.#walked.clear();
    this.#calls.mark(this.#group.fd, FAN_MARK.FLUSH, 0, '/');
    this.mountsChanged(table, points);
  }

  /** Goes through mounts that are new, and forgets those that are gone. */
  mountsChanged(table: MountTable, points: readonly string[]): void {
    this.#points = new Set(table.mounts.map(({ point }) => point));
    for (const point of this.#walked) if (!points.includes(point)) this.removed(point);
    const fresh = points.filter((point) => !this.#walked.has(point));
    this.#walked = new Set(points);
    for (const point of fresh) this.walk(point, false);
  }

  /** Marks a directory and what is below it. `announce`: what is found in it is told, as it may be new. */
  walk(path: string, announce: boolean): void {
    this.#queue.push({ path, announce, top: { path, left: 1 } });
    this.#turn();
  }

  /** Paths of a directory by its handle; `undefined` for one that was never marked. */
  pathsOf(key: string): readonly string[] | undefined {
    return this.#paths.get(key);
  }

  /** A directory was moved: what lies below it has other paths now. */
  moved(from: string, to: string): void {
    for (const [key, paths] of this.#paths) {
      if (paths.some((path) => isWithin(from, path, 'linux')))
        this.#paths.set(
          key,
          paths.map((path) => (isWithin(from, path, 'linux') ? join(to, rest(path, from)) : path)),
        );
    }
  }

  /** A directory was removed, or its mount. */
  removed(path: string): void {
    for (const [key, paths] of this.#paths) {
      if (paths.some((known) => isWithin(path, known, 'linux'))) this.#paths.delete(key);
    }
  }

  /** A directory was moved to where nobody looks: its marks stay, and what they say concerns no rule. */
  left(path: string): void {
    for (const [key, paths] of this.#paths) {
      if (paths.some((known) => isWithin(path, known, 'linux'))) this.#paths.set(key, []);
    }
  }

  /** Why directories below a mount point are not marked, if some are not. */
  trouble(point: string): string | undefined {
    return [...this.#refused].find(([path]) => isWithin(point, path, 'linux'))?.[1];
  }

  close(): void {
    this.#closed = true;
    this.#queue.length = 0;
  }

  #turn(): void {
    if (this.#due) return;
    this.#due = true;
    setImmediate(() => {
      this.#due = false;
      for (let count = 0; count < PER_TURN && !this.#closed; count += 1) {
        const task = this.#queue.pop();
        if (task === undefined) return;
        this.#mark(task);
        task.top.left -= 1;
        if (task.top.left === 0) this.#events.walked(task.top.path, task.announce);
      }
      if (this.#queue.length > 0) this.#turn();
    });
  }

  #mark(task: Task): void {
    const fd = this.#calls.libc.open(pathBytes(hostPathBytes(task.path)), O.PATH);
    if (fd < 0) return;
    try {
      this.#markOpen(task, fd);
    } finally {
      this.#calls.libc.close(fd);
    }
  }

  #markOpen(task: Task, fd: number): void {
    // Somebody may have put a link on the way: the kernel's own name for what is open tells.
    const name = this.#calls.nameOf(fd);
    if (typeof name === 'number' || decodeHostText(name) !== task.path) return;
    const interest = this.#scope.interest(task.path);
    if (interest.entries !== 'none') {
      if (this.#paths.size >= MAX_DIRECTORIES) {
        this.#refuse(task.path, `more than ${MAX_DIRECTORIES} directories`);
        return;
      }
      const result = this.#group.mark(FAN_MARK.ADD | FAN_MARK.ONLYDIR, '.', fd);
      if (result < 0) {
        this.#refuse(task.path, `fanotify_mark: ${errnoName(result)}`);
        return;
      }
    }
    // After the mark, which can make overlay copy nothing, but before any event of it is read.
    this.#note(task.path, fd);
    if (interest.entries !== 'none') this.#enter(task, fd);
  }

  #note(path: string, fd: number): void {
    const [fsid, handle] = [this.#calls.fsid(`/proc/self/fd/${fd}`), this.#calls.handleOf(fd)];
    if (typeof fsid === 'number' || typeof handle === 'number') {
      this.#refuse(path, `no handle: ${errnoName(Number(typeof fsid === 'number' ? fsid : handle))}`);
      return;
    }
    const key = fsid + handle.toString('latin1');
    const paths = (this.#paths.get(key) ?? []).filter((known) => known !== path);
    this.#paths.set(key, [...paths, path]);
  }

  #refuse(path: string, reason: string): void {
    if (this.#refused.size < 100) this.#refused.set(path, reason);
  }

  /** Goes through the entries of a directory that is marked. */
  #enter(task: Task, fd: number): void {
    const interest = this.#scope.interest(task.path);
    for (const entry of entries(fd)) {
      const name = decodeHostText(entry.name);
      if (!covers(interest, name)) continue;
      const path = join(task.path, `/${name}`);
      if (task.announce) this.#events.found(path, entry.directory);
      if (!entry.directory || this.#points.has(path)) continue;
      task.top.left += 1;
      this.#queue.push({ ...task, path });
    }
  }
}

/** Entries of an open directory, few at a time whatever its size. One that can't be read has none. */
function* entries(fd: number): Generator<{ name: Buffer; directory: boolean }> {
  try {
    const options = { encoding: 'buffer' as BufferEncoding, bufferSize: 256 };
    const directory = opendirSync(`/proc/self/fd/${fd}/.`, options);
    try {
      for (let entry = directory.readSync(); entry !== null; entry = directory.readSync())
        yield { name: Buffer.from(nameOf(entry)), directory: entry.isDirectory() };
    } finally {
      directory.closeSync();
    }
  } catch {
    // It was removed meanwhile: the event of that is on its way.
  }
}

/** With the encoding `buffer` names are bytes, which the types of Node don't say. */
const nameOf = (entry: Dirent): Buffer => entry.name as unknown as Buffer;
