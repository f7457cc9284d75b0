import { readdirSync } from 'node:fs';
import type { MessageOf } from './connector/decode.ts';
import type { HostClock } from './clock.ts';
import { packageManagerOf } from './package-manager.ts';
import { addSpan, lastSpan, WHY, type Image, type ProcessEntry, type Uids } from './process-entry.ts';
import { ProcessStore } from './process-store.ts';
import { hostName, programOf, sameProgram } from './program.ts';
import { readProcess, startOf, type ProcessRead, type StatRead } from './read-process.ts';

/** Bytes of a command line that are kept, and the number of processes above which it is less. */
const LINE = { usual: 8_192, crowded: 512, crowd: 2_048 } as const;

/**
 * A new program is in place some microseconds before the kernel says so. One that was read this shortly before, ms, may have
 * been the next.
 */
const REPLACED_WITHIN_MS = 1;

/** Ticks by which the start that a fork told may differ from the one in /proc, which the kernel took just before. */
const START_SLACK = 2;

/** What reading the list of all processes found that was not known. */
export interface Differences {
  /** New ones with a program of their own, and those that run another one. */
  readonly started: readonly ProcessEntry[];
  readonly ended: readonly ProcessEntry[];
}

/** Where the table reads from; tests put their own here. */
export interface TableSources {
  readonly clock: HostClock;
  readonly read?: (pid: number) => ProcessRead | undefined;
  readonly start?: (pid: number) => StatRead | undefined;
  /** Pids of all processes. */
  readonly list?: () => number[];
}

const listOfProc = (): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);

/**
 * The processes of this host: what each runs and as whom, since when, and who started it. It follows the kernel's process
 * events; what they did not tell is read from /proc. Memory is bounded whatever the host does.
 */
export class ProcessTable {
  readonly clock: HostClock;
  readonly #read: (pid: number) => ProcessRead | undefined;
  readonly #start: (pid: number) => StatRead | undefined;
  readonly #list: () => number[];
  readonly #store = new ProcessStore();
  readonly #leaderless = new Set<ProcessEntry>();
  #epoch = 0;
  #polled = false;
  #gaplessFrom: number;

  constructor({ clock, read = readProcess, start = startOf, list = listOfProc }: TableSources) {
    this.clock = clock;
    this.#read = read;
    this.#start = start;
    this.#list = list;
    this.#gaplessFrom = clock.monotonic();
  }

  /** How many processes are kept. */
  get size(): number {
    return this.#store.size;
  }

  /** Since when no process event was lost, ms of CLOCK_MONOTONIC. */
  get gaplessFrom(): number {
    return this.#gaplessFrom;
  }

  /** Whether no events are listened to, so that only what was the same before and after is sure. */
  get polled(): boolean {
    return this.#polled;
  }
  set polled(polled: boolean) {
    this.#polled = polled;
    this.lost();
  }

  /** Events were lost: everything that is known has to be looked at again. */
  lost(): void {
    this.#epoch += 1;
    this.#gaplessFrom = this.clock.monotonic();
  }

  /** A process as it is known, looked at again if events were lost since; `undefined` where it is not known. */
  known(pid: number): ProcessEntry | undefined {
    const entry = this.#store.get(pid);
    if (entry === undefined || entry.endedAt !== undefined || entry.epoch === this.#epoch) return entry;
    if (this.#look(entry) === 'gone') this.#end(entry, this.#gaplessFrom);
    return entry;
  }

  /** A process as it is known or can be read now: `undefined` where it is gone. */
  find(pid: number): ProcessEntry | undefined {
    if (this.#polled) this.lost();
    const entry = this.known(pid);
    if (entry === undefined || entry.endedAt !== undefined) return this.#adopt(pid) ?? entry;
    const { image } = lastSpan(entry);
    if (image.program === undefined) this.#fill(entry, image, this.#readSame(entry));
    return entry;
  }

  /** Tells of a new process; `undefined` for a mere thread. */
  forked({ pid, thread, parent: parentPid, at }: MessageOf<'fork'>): ProcessEntry | undefined {
    if (thread !== pid) {
      const entry = this.#store.get(pid);
      if (entry !== undefined) {
        entry.threads += 1;
        entry.threaded = true;
      }
      return undefined;
    }
    const parent = this.known(parentPid);
    const span = parent === undefined ? undefined : lastSpan(parent);
    // One that is not known of the parent may still be read of the child.
    const isKnown = span?.image.program !== undefined;
    const image = isKnown ? span.image : { pid, program: undefined, why: WHY.gone, readAt: at };
    return this.#add(at, {
      pid,
      startTicks: this.clock.ticksAt(at),
      startIsExact: false,
      parent: { pid: parentPid, image: span?.image },
      name: parent?.name,
      loginUid: parent?.loginUid,
      spans: [{ from: at, image, uid: span?.uid, cleanStart: false }],
      // All of its life is known, from here on.
      sureFrom: Number.NEGATIVE_INFINITY,
      manager: parent?.manager,
      threads: 1,
      threaded: false,
      executed: false,
    });
  }

  /** Tells of a new program: it is read at once. */
  executed({ pid, at }: MessageOf<'exec'>): ProcessEntry | undefined {
    const entry = this.known(pid);
    if (entry === undefined) return this.#adopt(pid, at);
    this.#store.revive(entry);
    const before = lastSpan(entry);
    if (before.image.pid === pid && before.image.readAt > at - REPLACED_WITHIN_MS) {
      before.image.program = undefined;
      before.image.why = WHY.replaced;
    }
    const cleanStart = !entry.threaded;
    entry.threads = 1;
    entry.threaded = false;
    entry.executed = true;
    const image: Image = { pid, program: undefined, why: WHY.gone, readAt: at };
    const read = this.#readSame(entry);
    // The user is the one that events told: what is read now may be a later one, whose event is still to come.
    addSpan(entry, { from: at, image, uid: before.uid ?? read?.uid, cleanStart });
    this.#fill(entry, image, read);
    return entry;
  }

  /** Tells of another user; `undefined` where neither the real nor the effective one is another. */
  userChanged({ pid, thread, at, real, effective }: MessageOf<'uid'>): Uids | undefined {
    // Credentials are a thread's own; those of the first thread stand for the process, as in /proc/PID/status.
    const entry = thread === pid ? this.known(pid) : undefined;
    if (entry === undefined) return undefined;
    const { uid, image } = lastSpan(entry);
    if (uid?.real === real && uid.effective === effective) return undefined;
    addSpan(entry, { from: at, image, uid: { real, effective }, cleanStart: false });
    return uid;
  }

  /** Tells of the end of a process; `undefined` while other threads of it go on. */
  exited({ pid, thread, at }: MessageOf<'exit'>): ProcessEntry | undefined {
    const entry = this.#store.get(pid);
    if (entry === undefined || entry.endedAt !== undefined) return undefined;
    entry.threads -= 1;
    if (thread === pid) entry.leaderGone = true;
    if (!entry.leaderGone) return undefined;
    if (entry.threads > 0) {
      this.#leaderless.add(entry);
      return undefined;
    }
    this.#leaderless.delete(entry);
    this.#end(entry, at);
    return entry;
  }

  /** To be called every few seconds: forgets what ended long ago, and gives those that ended without a last word. */
  sweep(): ProcessEntry[] {
    const now = this.clock.monotonic();
    this.#store.purge(now);
    const ended = [...this.#leaderless].filter((entry) => {
      const start = this.#start(entry.pid);
      return start === undefined || !this.#isStart(entry, start.startTicks) || start.threads <= 1;
    });
    this.#leaderless.clear();
    for (const entry of ended) if (entry.endedAt === undefined) this.#end(entry, now);
    return ended;
  }

  /** Reads the list of all processes. */
  scan(): Differences {
    const now = this.clock.monotonic();
    const pids = new Set(this.#list());
    const started: ProcessEntry[] = [];
    const ended: ProcessEntry[] = [];
    for (const entry of this.#store.running()) {
      const look = pids.has(entry.pid) ? this.#look(entry) : 'gone';
      if (look === 'changed') started.push(entry);
      if (look !== 'gone') continue;
      this.#end(entry, now);
      ended.push(entry);
    }
    for (const pid of pids) {
      const entry = this.#store.get(pid);
      if (entry !== undefined && entry.endedAt === undefined) continue;
      const adopted = this.#adopt(pid);
      if (adopted?.executed === true) started.push(adopted);
    }
    return { started, ended };
  }

  #add(
    at: number,
    fields: Omit<ProcessEntry, 'ownManager' | 'leaderGone' | 'endedAt' | 'epoch' | 'previous'>,
  ): ProcessEntry {
    const entry: ProcessEntry = {
      ...fields,
      ownManager: undefined,
      leaderGone: false,
      endedAt: undefined,
      epoch: this.#epoch,
      previous: undefined,
    };
    this.#store.add(entry, at);
    return entry;
  }

  /** Takes a process in that no event told of; `executedAt` for one of a program that it has just begun. */
  #adopt(pid: number, executedAt?: number): ProcessEntry | undefined {
    const read = this.#read(pid);
    const before = this.#store.get(pid);
    if (read === undefined || (before !== undefined && this.#isStart(before, read.startTicks))) {
      return undefined;
    }
    const from = executedAt ?? this.#gaplessFrom;
    const parent = this.#store.get(read.parent);
    const image: Image = { pid, program: undefined, why: WHY.gone, readAt: from };
    const entry = this.#add(from, {
      pid,
      startTicks: read.startTicks,
      startIsExact: true,
      parent: { pid: read.parent, image: parent === undefined ? undefined : lastSpan(parent).image },
      name: undefined,
      loginUid: read.loginUid,
      spans: [{ from, image, uid: read.uid, cleanStart: false }],
      sureFrom: from,
      manager: parent?.manager,
      threads: read.threads,
      threaded: true,
      executed: executedAt !== undefined || (read.executable !== undefined && !read.forkedOnly),
    });
    this.#fill(entry, image, read);
    return entry;
  }

  /**
   * Puts what was read now into the image that a process has had since its last event: it is the right one unless another
   * event comes that says so. No arguments mean that the next program is being loaded.
   */
  #fill(entry: ProcessEntry, image: Image, read: ProcessRead | undefined): void {
    if (read === undefined || image.pid !== entry.pid) return;
    entry.name = hostName(read.name);
    entry.loginUid = read.loginUid;
    if (read.executable === undefined) return;
    image.why = WHY.replaced;
    if (read.arguments.length === 0) return;
    image.program = programOf(read, this.size > LINE.crowd ? LINE.crowded : LINE.usual);
    image.readAt = this.clock.monotonic();
    const name =
      image.program && packageManagerOf(image.program, lastSpan(entry).uid?.effective ?? read.uid.effective);
    if (name !== undefined && name !== entry.ownManager?.name) {
      entry.ownManager = { name, startedAt: lastSpan(entry).from, endedAt: undefined };
      entry.manager = entry.ownManager;
    }
  }

  /** What a process ran last that was not looked at since a loss will never be known. */
  #end(entry: ProcessEntry, at: number): void {
    if (entry.epoch !== this.#epoch) entry.sureFrom = Number.POSITIVE_INFINITY;
    this.#store.end(entry, at);
  }

  /** Reads a process; `undefined` where it is gone, or the pid is another's by now. */
  #readSame(entry: ProcessEntry): ProcessRead | undefined {
    const read = this.#read(entry.pid);
    if (read === undefined || !this.#isStart(entry, read.startTicks)) return undefined;
    entry.startTicks = read.startTicks;
    entry.startIsExact = true;
    return read;
  }

  #isStart(entry: ProcessEntry, ticks: number): boolean {
    return Math.abs(entry.startTicks - ticks) <= (entry.startIsExact ? 0 : START_SLACK);
  }

  /** Looks at a process again of which events may have been missed. */
  #look(entry: ProcessEntry): 'same' | 'changed' | 'gone' {
    const read = this.#readSame(entry);
    if (read === undefined) return 'gone';
    const { image, uid } = lastSpan(entry);
    const now = this.clock.monotonic();
    const fresh: Image = { pid: entry.pid, program: undefined, why: WHY.gone, readAt: now };
    this.#fill(entry, fresh, read);
    const isSame = sameProgram(image.program, fresh.program);
    if (!isSame || uid?.effective !== read.uid.effective || uid.real !== read.uid.real) {
      addSpan(entry, { from: now, image: isSame ? image : fresh, uid: read.uid, cleanStart: false });
    }
    // Where processes are polled, what is the same before and after is taken for the same in between.
    if (!this.#polled || !isSame) entry.sureFrom = Math.max(entry.sureFrom, this.#gaplessFrom);
    entry.threads = read.threads;
    entry.threaded = true;
    entry.epoch = this.#epoch;
    entry.executed ||= !isSame;
    return isSame ? 'same' : 'changed';
  }
}
