import type { Task } from '../../shared/manifest.ts';
import type { SensorProblem } from '../../shared/sensor.ts';
import type { UnsealedEdrEvent } from '../../wire/event-chain.ts';
import type { StartTimer } from '../debounce.ts';
import type { Attribution, Moment, RawChange } from '../fim/change.ts';
import type { ReadableWatch } from '../native/readable.ts';
import type { ReadContext } from '../table.ts';
import { Attributions } from './attribution.ts';
import type { HostClock } from './clock.ts';
import { ProcessConnector } from './connector/connector.ts';
import { DropWatch } from './dropped.ts';
import { ProcessFeed } from './feed.ts';
import { ImageHashes } from './image-hash.ts';
import { Losses, lossRecord } from './losses.ts';
import { Outbox } from './outbox.ts';
import { ProcessReports } from './process-reports.ts';
import { ProcessTable } from './process-table.ts';
import { edrRules, NO_RULES, type EdrRules } from './rules.ts';
import { SideReports } from './side-reports.ts';
import { Users } from './users.ts';

/** Between two records that say what was lost, ms. */
const TELL_LOSS_MS = 5_000;

export interface SourceOptions {
  /** `/` of this host, its clock and a pause between units of work. */
  readonly context: ReadContext;
  readonly clock: HostClock;
  readonly startTimer: StartTimer;
  /** Waits for the kernel's descriptors; without one, processes are polled. */
  readonly watch: ReadableWatch | undefined;
  /** Ids of records, UUIDs. */
  readonly newId: () => string;
  /** Tells our request to the kernel from others': any number below 2^32 - 1. */
  readonly token: number;
  /** The program of the thread that hashes images: `image-hash-thread.ts`, or its bundle. */
  readonly hashThread: URL;
  /** Where the list of startup items is kept from one run to the next. */
  readonly stateFile: string | undefined;
  readonly callbacks: SourceCallbacks;
}

export interface SourceCallbacks {
  readonly events: (events: UnsealedEdrEvent[]) => void;
  /** How many records are taken now; what has no place here meanwhile is lost and counted. */
  readonly room?: () => number;
  /**
   * Programs were started: whoever reads changes of files reads them now, so that those before are told from those after.
   * May be called while one asks for an actor: then the reading that is under way goes on.
   */
  readonly executed?: () => void;
  readonly log: (level: 'warn' | 'debug', message: string) => void;
}

/** How process events stand. */
export interface SourceState {
  readonly method: 'process connector' | '/proc polling';
  readonly lost: number;
  readonly processes: number;
  readonly problems: readonly { readonly code: SensorProblem; readonly text: string }[];
  readonly refused: EdrRules['refused'];
}

/** Process events of Linux (R201, R203, R208), and who it was that changed a file. */
export class ProcessEventSource {
  readonly #options: SourceOptions;
  readonly #table: ProcessTable;
  readonly #attributions: Attributions;
  readonly #feed: ProcessFeed;
  readonly #hashes: ImageHashes;
  readonly #outbox: Outbox;
  readonly #reports: ProcessReports;
  readonly #side: SideReports;
  readonly #losses = new Losses();
  #rules = NO_RULES;
  #cancelLoss: (() => void) | undefined;
  #startedAt = 0;

  constructor(options: SourceOptions) {
    const { clock, startTimer, context, callbacks, newId } = options;
    this.#options = options;
    this.#table = new ProcessTable({ clock });
    const users = new Users(context, clock.monotonic);
    this.#attributions = new Attributions(this.#table, users);
    this.#hashes = new ImageHashes(options.hashThread, startTimer);
    this.#feed = this.#newFeed();
    this.#outbox = new Outbox({
      now: clock.monotonic,
      startTimer,
      before: () => void this.#feed.catchUp(),
      send: callbacks.events,
      room: callbacks.room ?? (() => Number.POSITIVE_INFINITY),
      dropped: () => this.#lost(1),
    });
    const shared = { table: this.#table, attributions: this.#attributions, users, newId };
    const add = this.#outbox.add.bind(this.#outbox);
    this.#reports = new ProcessReports({
      ...shared,
      hashes: this.#hashes,
      add,
      provider: () => this.#method(),
    });
    this.#side = new SideReports({
      ...shared,
      context,
      startTimer,
      stateFile: options.stateFile,
      drops: new DropWatch({
        place: context,
        startTimer,
        dropped: (found) => this.#side.dropped(found),
        lost: (count) => this.#lost(count),
      }),
      add,
      find: (pid) => (this.#feed.catchUp() ? this.#table.find(pid) : undefined),
      log: callbacks.log,
    });
  }

  /** Begins to listen. What runs now is known from then on, and is no event. */
  start(): void {
    this.#feed.start();
    this.#startedAt = this.#table.clock.monotonic();
  }

  /** The tasks of the EDR manifest, instead of those before; none where the module is off. */
  setRules(tasks: readonly Task[]): void {
    this.#rules = edrRules(tasks);
    this.#reports.setRules(this.#rules.process);
    this.#side.setRules(this.#rules);
  }

  async stop(): Promise<void> {
    this.#side.stop();
    this.#feed.stop();
    this.#outbox.stop();
    this.#cancelLoss?.();
    this.#tellLoss();
    await this.#hashes.stop();
  }

  /** Who did something at a moment, as `Attribute` says. */
  readonly attribute = (pid: number, moment?: Moment): Attribution => {
    if (!this.#feed.catchUp()) return BEHIND;
    return this.#attributions.of(pid, moment ?? { since: this.#startedAt, until: Number.POSITIVE_INFINITY });
  };

  /** The folders below which changes are to be told to `fileChange`. */
  directories(): string[] {
    return this.#side.directories();
  }

  /** A file changed. */
  fileChange(change: RawChange): void {
    this.#side.changed(change);
  }

  state(): SourceState {
    const because = this.#feed.pollingBecause;
    const problems: { code: SensorProblem; text: string }[] = [...this.#side.problems()];
    if (because !== undefined) {
      problems.push({ code: 'EDR_POLLING', text: `processes are polled every 2 s: ${because}` });
    }
    if (this.#losses.total > 0) {
      problems.push({ code: 'EDR_LOST', text: `${this.#losses.total} process events were lost` });
    }
    return {
      method: this.#method(),
      lost: this.#losses.total,
      processes: this.#table.size,
      problems,
      refused: this.#rules.refused,
    };
  }

  #method(): SourceState['method'] {
    return this.#feed.pollingBecause === undefined ? 'process connector' : '/proc polling';
  }

  #newFeed(): ProcessFeed {
    const { watch, token, startTimer, callbacks } = this.#options;
    return new ProcessFeed({
      table: this.#table,
      watch,
      startTimer,
      open: (listener) => ProcessConnector.open(listener, token),
      listener: {
        started: (entry, at, how) => {
          this.#reports.started(entry, at, how);
          this.#side.executed(entry.pid);
        },
        executed: () => callbacks.executed?.(),
        ended: (entry, at, status) => this.#reports.ended(entry, at, status),
        userChanged: (entry, before, at) => this.#reports.userChanged(entry, before, at),
        lost: (count) => this.#lost(count),
      },
    });
  }

  /** Counts; what is told of it is told once for all that is lost meanwhile. */
  #lost(count: number): void {
    this.#losses.add(count, this.#options.context.now());
    this.#cancelLoss ??= this.#options.startTimer(TELL_LOSS_MS, () => {
      this.#cancelLoss = undefined;
      this.#tellLoss();
    });
  }

  /** A loss matters only to who wants process events. */
  #tellLoss(): void {
    const loss = this.#losses.take();
    if (loss === undefined || this.#rules.process.length === 0) return;
    this.#options.callbacks.events([lossRecord(loss, this.#options.newId(), this.#method())]);
  }
}

const BEHIND: Attribution = {
  actor: { state: 'unknown', reason: 'process events come faster than they can be read' },
};
