import { decodeHostText } from '../../text.ts';
import { CHANGE, type Attribute, type Attribution, type Moment, type RawChange } from '../change.ts';
import type { DirectoryEntry, FanotifyEvent } from './decode.ts';
import type { DirectoryCache } from './directory-cache.ts';
import { FAN } from './fanotify-abi.ts';
import type { IgnoredDirectories } from './ignored.ts';
import { join } from './mount-table.ts';
import { covers, type Directory, type Scope } from './scope.ts';
import type { Located } from './watched-mounts.ts';

/** Bits of an event, and those of `CHANGE` that they become. */
const BITS: readonly (readonly [number, number])[] = [
  [FAN.CREATE, CHANGE.created],
  [FAN.MODIFY, CHANGE.modified],
  [FAN.CLOSE_WRITE, CHANGE.closedAfterWrite],
  [FAN.ATTRIB, CHANGE.attributes],
  [FAN.DELETE, CHANGE.deleted],
  [FAN.MOVED_FROM, CHANGE.movedFrom],
  [FAN.MOVED_TO, CHANGE.movedTo],
];

/** All that says something of files; the other says which program does. */
const OF_FILES = BITS.reduce<number>((mask, [bit]) => mask | bit, FAN.RENAME);

const changeOf = (mask: number): number =>
  BITS.reduce((what, [bit, change]) => ((mask & bit) === 0 ? what : what | change), 0);

const OUTSIDE: Attribution = {
  actor: { state: 'unknown', reason: 'a process outside of this PID namespace' },
};

/** What a group's events need to become changes. */
export interface TranslatorOptions {
  readonly cache: DirectoryCache;
  /** Where a directory is that is not in the cache. */
  readonly locate: (directory: string) => Located;
  readonly attribute: Attribute;
  /** Keeps directories quiet that no rule asks for, where the kernel can. */
  readonly ignored?: IgnoredDirectories;
  /** Told of directories that come, move and go, where each has a mark of its own. */
  readonly directories?: DirectoryFollower;
}

/** Follows the directories of the places that rules ask for. */
export interface DirectoryFollower {
  readonly created: (path: string) => void;
  readonly moved: (from: string | undefined, to: string | undefined) => void;
  readonly deleted: (path: string) => void;
}

/** A change before it is known who made it. */
interface Draft {
  readonly change: Omit<RawChange, 'by'>;
  readonly pid: number;
  /** `FanotifyEvent.gone`. */
  readonly gone: boolean;
  /** Its place in the order of the queue. */
  readonly order: number;
}

/** A path that an event names. */
interface Place {
  readonly path: string;
  readonly covered: boolean;
}

/**
 * Turns events into changes: by a look into the cache, whose answer for most directories is that no rule asks for them.
 * Paths are those at the time of the event or later: a move of any directory empties the cache as it is read, and what
 * was looked up before a move is used only for events before it.
 */
export class Translator {
  readonly #options: TranslatorOptions;
  #scope: Scope;
  #at = 0;
  #drafts: Draft[] = [];
  #order = 0;
  /** Where in the order each process last opened something for execution. */
  readonly #executed = new Map<number, number>();
  #error: string | undefined;
  #bytes: Buffer = Buffer.alloc(0);

  constructor(options: TranslatorOptions, scope: Scope) {
    this.#options = options;
    this.#scope = scope;
  }

  /** Other rules or mounts: nothing that was known holds. */
  reset(scope: Scope): void {
    this.#scope = scope;
    this.#options.cache.clear();
    this.#options.ignored?.clear();
  }

  /** Begins a turn. `at`: ms since the epoch. */
  begin(at: number): void {
    this.#at = at;
    this.#drafts = [];
    this.#order = 0;
    this.#executed.clear();
    this.#error = undefined;
  }

  /**
   * The changes of this turn with who made them, and why some could not be told. `moment` is when they can have happened; its
   * `noExecAfter` is used for those after which their process opened nothing for execution.
   */
  end(moment: Moment): { readonly changes: readonly RawChange[]; readonly error: string | undefined } {
    const { noExecAfter: _sure, ...unsure } = moment;
    /** Who is who in this turn, with and without doubt, gone or not: one process often does much. */
    const actors = [0, 1, 2, 3].map(() => new Map<number, Attribution>());
    const changes = this.#drafts.map(({ change, pid, gone, order }) => {
      const isLast = (this.#executed.get(pid) ?? -1) < order;
      const when = isLast ? moment : unsure;
      const known = actors[(isLast ? 0 : 1) + (gone ? 2 : 0)] ?? new Map<number, Attribution>();
      return { ...change, by: this.#by(pid, gone ? { ...when, isGone: true } : when, known) };
    });
    return { changes, error: this.#error };
  }

  /** `bytes` is what the event was decoded from. */
  take(event: FanotifyEvent, bytes: Buffer): void {
    this.#bytes = bytes;
    this.#order += 1;
    if ((event.mask & FAN.OPEN_EXEC) !== 0) this.#executed.set(event.pid, this.#order);
    if ((event.mask & OF_FILES) === 0) return;
    if (event.from !== undefined || event.to !== undefined) this.#renamed(event);
    else if (event.at !== undefined) this.#happened(event, event.at);
  }

  #happened(event: FanotifyEvent, at: DirectoryEntry): void {
    const directory = this.#directory(at.directory);
    const [isDirectory, mask] = [(event.mask & FAN.ONDIR) !== 0, event.mask];
    const moved = isDirectory && (mask & (FAN.MOVED_FROM | FAN.MOVED_TO)) !== 0;
    const created = isDirectory && (mask & (FAN.CREATE | FAN.MOVED_TO)) !== 0;
    const watched = directory.some(isWatched);
    if (!watched && !isDirectory) this.#options.ignored?.count(at.directory);
    if (moved && watched) this.#options.ignored?.clear();
    if (created || moved || watched) {
      const name = this.#name(at);
      const places = placesOf(directory, name);
      for (const place of places) this.#report(event, changeOf(mask), place);
      if (moved) this.#options.cache.clear();
      if (created) this.#learn(event.target, directory, name);
      if (isDirectory) this.#follow(event, places);
    }
  }

  #renamed(event: FanotifyEvent): void {
    const [from, to] = [this.#places(event.from), this.#places(event.to)];
    const source = (from.find(({ covered }) => covered) ?? from[0])?.path;
    for (const place of from) this.#report(event, CHANGE.movedFrom, place);
    for (const place of to) this.#report(event, CHANGE.movedTo, place, source);
    if ((event.mask & FAN.ONDIR) === 0) return;
    const target = event.to && this.#directory(event.to.directory);
    this.#options.cache.clear();
    if (target?.some(isWatched) === true) this.#options.ignored?.clear();
    if (event.to !== undefined) this.#learn(event.target, target ?? [], this.#name(event.to));
    this.#options.directories?.moved(source, to.find(({ covered }) => covered)?.path);
  }

  #follow({ mask }: FanotifyEvent, places: readonly Place[]): void {
    const follower = this.#options.directories;
    if (follower === undefined) return;
    for (const { path, covered } of places) {
      if (!covered) continue;
      if ((mask & FAN.DELETE) !== 0) follower.deleted(path);
      if ((mask & FAN.CREATE) !== 0) follower.created(path);
      if ((mask & FAN.MOVED_FROM) !== 0) follower.moved(path, undefined);
      if ((mask & FAN.MOVED_TO) !== 0) follower.moved(undefined, path);
    }
  }

  /** The place of a new directory is known from its parent's, also when it is gone again before anyone looks. */
  #learn(target: string | undefined, parent: Directory, name: string): void {
    if (target !== undefined) this.#options.cache.set(target, this.#scope.childOf(parent, name));
  }

  #places(entry: DirectoryEntry | undefined): Place[] {
    return entry === undefined ? [] : placesOf(this.#directory(entry.directory), this.#name(entry));
  }

  #name({ nameStart, nameEnd }: DirectoryEntry): string {
    return decodeHostText(this.#bytes.subarray(nameStart, nameEnd));
  }

  #directory(key: string): Directory {
    return this.#options.cache.get(key) ?? this.#locate(key);
  }

  /**
   * A directory that is gone has no place. Nothing is lost with it: that it went is an event of its parent, or of the
   * nearest directory above that is still there.
   */
  #locate(key: string): Directory {
    const located = this.#options.locate(key);
    if (typeof located === 'object' && 'error' in located) {
      this.#error ??= located.error;
      return [];
    }
    const directory = located === 'gone' ? [] : located.map((path) => this.#scope.view(path));
    this.#options.cache.set(key, directory);
    return directory;
  }

  #report(event: FanotifyEvent, what: number, { path, covered }: Place, from?: string): void {
    if (!covered || what === 0) return;
    const directory = (event.mask & FAN.ONDIR) !== 0;
    const change = { path, what, directory, at: this.#at, ...(from !== undefined && { from }) };
    this.#drafts.push({ change, pid: event.pid, gone: event.gone, order: this.#order });
  }

  #by(pid: number, moment: Moment, actors: Map<number, Attribution>): Attribution {
    if (pid <= 0) return OUTSIDE;
    const known = actors.get(pid);
    if (known !== undefined) return known;
    const found = this.#options.attribute(pid, moment);
    actors.set(pid, found);
    return found;
  }
}

const isWatched = ({ entries, self }: Directory[number]): boolean => self || entries.entries !== 'none';

/** `.` is the directory itself. */
function placesOf(directory: Directory, name: string): Place[] {
  return directory.map(({ path, entries, self }) =>
    name === '.' ? { path, covered: self } : { path: join(path, `/${name}`), covered: covers(entries, name) },
  );
}
