import { readFileSync, statSync } from 'node:fs';
import type { MountState } from '../../../shared/sensor.ts';
import { errnoName, O, pathBytes, POLL } from '../../native/libc.ts';
import type { ReadableWatch } from '../../native/readable.ts';
import { CHANGE, type Attribute, type Attribution, type Moment } from '../change.ts';
import type { RuleSet } from '../rule-set.ts';
import type { SourceEvents } from '../source.ts';
import { loadFanotifyCalls, type FanotifyCalls } from './calls.ts';
import { DirectoryCache } from './directory-cache.ts';
import { DirectoryMarks } from './directory-marks.ts';
import { FanotifyGroup, type Turn } from './group.ts';
import { IgnoredDirectories } from './ignored.ts';
import { MountTable } from './mount-table.ts';
import { Scope } from './scope.ts';
import { Translator } from './translate.ts';
import { WatchedMounts } from './watched-mounts.ts';

/** Where the programs of the system are. */
const EXECUTABLES = '/usr/bin';
const MOUNTINFO = '/proc/self/mountinfo';
/** Directories whose places are held, about 150 bytes each. */
const CACHED_DIRECTORIES = 32_768;
/** Rests after a turn, ms: events that concern nobody may wait longer, so that they cost few wake-ups. */
const REST_AFTER_CHANGES_MS = 1;
const REST_AFTER_NOTHING_MS = 10;
const REST_AFTER_MOUNTS_MS = 100;

export interface FanotifyOptions {
  readonly watch: ReadableWatch;
  readonly attribute: Attribute;
  /** Ms since the epoch. */
  readonly now: () => number;
  /** Ms of CLOCK_MONOTONIC. */
  readonly monotonic: () => number;
  /** Called in the turn in which it was read. */
  readonly events: SourceEvents;
  readonly calls?: FanotifyCalls;
}

const FOUND: Attribution = {
  actor: { state: 'unknown', reason: 'it was there before its new directory could be watched' },
};

/** Everything that is open between start and stop. */
interface Running {
  readonly filesystems: FanotifyGroup;
  readonly directories: FanotifyGroup;
  readonly mounts: WatchedMounts;
  readonly marks: DirectoryMarks;
  readonly ignored: IgnoredDirectories;
  readonly byFilesystem: Translator;
  readonly byDirectory: Translator;
  readonly mountinfo: number;
  /** Device of the programs of which it is heard when they are opened to be executed. */
  readonly executables: bigint | undefined;
  readonly remove: (() => void)[];
}

/**
 * Changes of files on Linux, with who made them, from the kernel (fanotify(7)). Needs CAP_SYS_ADMIN and Linux 5.9. It
 * reads, decodes, filters, attributes and hands over; it never waits for a disk.
 */
export class FanotifySource {
  readonly #options: FanotifyOptions;
  #scope: Scope;
  #running: Running | undefined;
  /** When each queue was last seen empty, ms of CLOCK_MONOTONIC: what is read next happened later. */
  readonly #emptyAt = new Map<FanotifyGroup, number>();
  #isReading = false;
  #mustReadAgain = false;

  constructor(options: FanotifyOptions, rules: RuleSet) {
    this.#options = options;
    this.#scope = new Scope(rules);
  }

  /**
   * Opens fanotify and marks what the rules touch: changes from here on are told, so that a walk has to come after. Throws
   * with the reason where fanotify can't be had; then nothing stays open.
   */
  start(): void {
    const running = this.#open(this.#options.calls ?? loadFanotifyCalls());
    this.#running = running;
    try {
      for (const group of [running.filesystems, running.directories])
        this.#emptyAt.set(group, this.#options.monotonic());
      this.#listen(running);
      this.#apply(running);
    } catch (error) {
      this.stop();
      throw error;
    }
  }

  #open(calls: FanotifyCalls): Running {
    const close: (() => void)[] = [];
    try {
      const filesystems = new FanotifyGroup(calls, this.#options.monotonic);
      close.push(() => filesystems.close());
      const directories = new FanotifyGroup(calls, this.#options.monotonic);
      close.push(() => directories.close());
      const mountinfo = calls.libc.open(pathBytes(MOUNTINFO), O.RDONLY);
      if (mountinfo < 0) throw new Error(`${MOUNTINFO}: ${errnoName(mountinfo)}`);
      close.push(() => void calls.libc.close(mountinfo));
      return this.#assemble(calls, filesystems, directories, mountinfo);
    } catch (error) {
      for (const closeOne of close) closeOne();
      throw error;
    }
  }

  /** Other rules, at once: a walk by them has to come after. */
  setRules(rules: RuleSet): void {
    this.#scope = new Scope(rules);
    if (this.#running !== undefined) this.#apply(this.#running);
  }

  /**
   * Reads what is there now, so that it is told from what happens next. While a turn is under way that comes after it: to ask
   * who did something may bring the news of a program, and what happened later must not overtake what is being told.
   */
  readNow(): void {
    const running = this.#running;
    if (running === undefined) return;
    if (this.#isReading) this.#mustReadAgain = true;
    else this.#alone(() => this.#readBoth(running));
  }

  /** How each mount that the rules touch is heard. */
  mounts(): MountState[] {
    const running = this.#running;
    if (running === undefined) return [];
    return running.mounts.states().map((state) => {
      const trouble = state.method === 'inode marks' ? running.marks.trouble(state.mount) : undefined;
      return trouble === undefined
        ? state
        : { ...state, note: [state.note, trouble].join('; ').slice(0, 300) };
    });
  }

  /** `WatchedMounts.unmarked`. */
  unmarked(): string[] {
    return this.#running?.mounts.unmarked(this.#scope) ?? [];
  }

  /** Closes everything. The watch is its owner's. */
  stop(): void {
    const running = this.#running;
    if (running === undefined) return;
    this.#running = undefined;
    for (const remove of running.remove) remove();
    running.marks.close();
    running.mounts.close();
    running.filesystems.close();
    running.directories.close();
    this.#emptyAt.clear();
    (this.#options.calls ?? loadFanotifyCalls()).libc.close(running.mountinfo);
  }

  #assemble(
    calls: FanotifyCalls,
    filesystems: FanotifyGroup,
    directories: FanotifyGroup,
    mountinfo: number,
  ): Running {
    const { attribute, events } = this.#options;
    const mounts = new WatchedMounts({ calls, filesystems, directories }, readTable());
    const marks = new DirectoryMarks({
      calls,
      group: directories,
      scope: this.#scope,
      events: {
        found: (path, directory) => this.#found(path, directory),
        walked: (path, announced) => {
          if (!announced) events.lost({ reason: 'mount', below: [path] });
          else if (marks.trouble(path) !== undefined) events.mountsChanged();
        },
      },
    });
    const ignored = new IgnoredDirectories(calls, filesystems.fd, (directory) => mounts.open(directory));
    const cache = (): DirectoryCache => new DirectoryCache(CACHED_DIRECTORIES);
    const byFilesystem = new Translator(
      { attribute, cache: cache(), ignored, locate: (directory) => mounts.locate(directory) },
      this.#scope,
    );
    const byDirectory = new Translator(
      {
        attribute,
        cache: cache(),
        locate: (directory) => marks.pathsOf(directory) ?? { error: 'an event of an unknown directory' },
        directories: {
          created: (path) => marks.walk(path, true),
          deleted: (path) => marks.removed(path),
          moved: (from, to) => {
            if (from !== undefined && to !== undefined) marks.moved(from, to);
            else if (from !== undefined) marks.left(from);
            if (to !== undefined) marks.walk(to, false);
          },
        },
      },
      this.#scope,
    );
    return {
      filesystems,
      directories,
      mounts,
      marks,
      ignored,
      byFilesystem,
      byDirectory,
      mountinfo,
      executables: executablesHeard(filesystems),
      remove: [],
    };
  }

  #listen(running: Running): void {
    const { watch } = this.#options;
    const group = (of: FanotifyGroup, translator: Translator, lost: () => void): void => {
      const ready = (): number => this.#read(running, of, translator, lost);
      running.remove.push(watch.add({ fd: of.fd, events: POLL.IN, ready }));
    };
    group(running.filesystems, running.byFilesystem, () => undefined);
    // Directories that were made meanwhile are not marked.
    group(running.directories, running.byDirectory, () => this.#restartMarks(running));
    const ready = (): number => this.#mountsChanged(running);
    running.remove.push(watch.add({ fd: running.mountinfo, events: POLL.PRI, ready }));
  }

  /** One turn of a group, and what was asked for meanwhile. Gives how long to leave it alone. */
  #read(running: Running, group: FanotifyGroup, translator: Translator, afterLoss: () => void): number {
    if (this.#running !== running) return 0;
    const rest = this.#alone(() => this.#turn(running, group, translator, afterLoss));
    // Once: programs may be started as fast as their changes are read.
    if (this.#mustReadAgain) this.#alone(() => this.#readBoth(running));
    return rest;
  }

  #alone<T>(read: () => T): T {
    this.#isReading = true;
    this.#mustReadAgain = false;
    try {
      return read();
    } finally {
      this.#isReading = false;
    }
  }

  #readBoth(running: Running): void {
    if (this.#running === running)
      this.#turn(running, running.filesystems, running.byFilesystem, () => undefined);
    if (this.#running !== running) return;
    this.#turn(running, running.directories, running.byDirectory, () => this.#restartMarks(running));
  }

  #turn(running: Running, group: FanotifyGroup, translator: Translator, afterLoss: () => void): number {
    translator.begin(this.#options.now());
    const turn = group.read((event, bytes) => translator.take(event, bytes));
    const moment = this.#momentOf(running, group, turn);
    if (turn.lost === undefined) running.ignored.mark();
    running.mounts.release();
    const { changes, error } = translator.end(moment);
    if (changes.length > 0) this.#options.events.changes(changes);
    const reason = turn.lost ?? (error === undefined ? undefined : 'error');
    if (reason !== undefined) {
      translator.reset(this.#scope);
      if (error !== undefined) this.#options.events.log('warn', error);
      this.#options.events.lost({ reason, below: [] });
      afterLoss();
    }
    if (turn.failed !== undefined) {
      this.stop();
      this.#options.events.failed(turn.failed);
    }
    if (turn.more) return 0;
    return changes.length > 0 ? REST_AFTER_CHANGES_MS : REST_AFTER_NOTHING_MS;
  }

  /** When what a turn read can have happened, and whether its order says which program did it. */
  #momentOf({ filesystems, executables }: Running, group: FanotifyGroup, turn: Turn): Moment {
    const since = this.#emptyAt.get(group) ?? 0;
    const { emptyAt, lost } = turn;
    if (emptyAt === undefined) return { since, until: this.#options.monotonic() };
    this.#emptyAt.set(group, emptyAt);
    const isOrdered = group === filesystems && lost === undefined && executables !== undefined;
    return {
      since,
      until: emptyAt,
      ...(isOrdered && { noExecAfter: (device: bigint) => device === executables }),
    };
  }

  /** Rules or everything: marks first, then what is known by them is forgotten. */
  #apply(running: Running): void {
    running.mounts.update(readTable(), this.#scope);
    running.byFilesystem.reset(this.#scope);
    this.#restartMarks(running);
    this.#options.events.mountsChanged();
  }

  #restartMarks(running: Running): void {
    running.byDirectory.reset(this.#scope);
    const points = running.mounts.byDirectory().map(({ point }) => point);
    running.marks.restart(this.#scope, running.mounts.table, points);
  }

  #mountsChanged(running: Running): number {
    if (this.#running !== running) return 0;
    const { added, removed } = running.mounts.update(readTable(), this.#scope);
    running.byFilesystem.reset(this.#scope);
    running.byDirectory.reset(this.#scope);
    const points = running.mounts.byDirectory().map(({ point }) => point);
    running.marks.mountsChanged(running.mounts.table, points);
    const below = [...removed, ...added].map(({ point }) => point);
    if (below.length > 0) {
      this.#options.events.lost({ reason: 'mount', below: [...new Set(below)] });
      this.#options.events.mountsChanged();
    }
    return REST_AFTER_MOUNTS_MS;
  }

  #found(path: string, directory: boolean): void {
    const change = { path, what: CHANGE.created, directory, at: this.#options.now(), by: FOUND };
    this.#options.events.changes([change]);
  }
}

/** Has it told when programs of the system are opened to be executed; their device, where that can be had. */
function executablesHeard(group: FanotifyGroup): bigint | undefined {
  if (group.markExecutions(EXECUTABLES) < 0) return undefined;
  return statSync(EXECUTABLES, { bigint: true }).dev;
}

const readTable = (): MountTable => new MountTable(readFileSync(MOUNTINFO));
