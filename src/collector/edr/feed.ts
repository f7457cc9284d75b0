import type { StartTimer } from '../debounce.ts';
import { POLL } from '../native/libc.ts';
import type { ReadableWatch } from '../native/readable.ts';
import type { ProcessConnector } from './connector/connector.ts';
import type { ProcessMessage } from './connector/decode.ts';
import type { ProcessEntry, Uids } from './process-entry.ts';
import type { ProcessTable } from './process-table.ts';

/** Events read before others have their turn, and before somebody who asks for an actor is told that we are behind. */
const TURN = 2_000;
const MOST = 20_000;

/** Between two looks at the list of processes where they are polled, and from a loss to the look that follows, ms. */
const POLL_MS = 2_000;
const AFTER_LOSS_MS = 1_000;
const SWEEP_MS = 5_000;
/** While processes are polled, the kernel's events are asked for again this often, ms. */
const RETRY_MS = 180_000;

/** What happened to processes. Times are ms of CLOCK_MONOTONIC. */
export interface FeedListener {
  /** `how`: what is to be known of how this came to be known. */
  readonly started: (entry: ProcessEntry, at: number, how?: string) => void;
  /** `status` as wait(2) gives it, where it is known. */
  readonly ended: (entry: ProcessEntry, at: number, status?: number) => void;
  readonly userChanged: (entry: ProcessEntry, before: Uids, at: number) => void;
  /** Programs were started, and all that the kernel told is in the table. */
  readonly executed: () => void;
  /** 0 for a loss of which the number is not known yet. */
  readonly lost: (count: number) => void;
}

/** A subscription to the kernel's events, as the feed uses it. */
export type FeedConnector = Pick<ProcessConnector, 'fd' | 'drain' | 'failure' | 'close'>;

export interface FeedOptions {
  readonly table: ProcessTable;
  readonly listener: FeedListener;
  readonly startTimer: StartTimer;
  /** Waits for the kernel; without one, processes are polled. */
  readonly watch: Pick<ReadableWatch, 'add'> | undefined;
  /** Subscribes to the kernel's events, or gives the reason why that can't be. */
  readonly open?: (listener: {
    message: (message: ProcessMessage) => void;
    lost: (count: number) => void;
  }) => FeedConnector | string;
}

/** What processes do, from the kernel's events into the table and on; by comparing lists where those are not to be had. */
export class ProcessFeed {
  readonly #options: FeedOptions;
  readonly #table: ProcessTable;
  #connector: FeedConnector | undefined;
  #unwatch: (() => void) | undefined;
  #isReading = false;
  #isBehind = false;
  #hasStarts = false;
  #cancelScan: (() => void) | undefined;
  #cancelSweep: (() => void) | undefined;
  #cancelRetry: (() => void) | undefined;
  /** Why processes are polled; `undefined` while they are not. */
  pollingBecause: string | undefined;

  constructor(options: FeedOptions) {
    this.#options = options;
    this.#table = options.table;
  }

  /** Begins: what runs now is taken in without an event. */
  start(): void {
    const opened = this.#open();
    if (typeof opened === 'string') this.#poll(opened);
    else this.#listen(opened);
    this.#table.scan();
    this.#sweepLater();
  }

  stop(): void {
    this.#cancelScan?.();
    this.#cancelSweep?.();
    this.#cancelRetry?.();
    this.#close();
  }

  /** Whether everything that the kernel had to tell is in the table: reads it. */
  catchUp(): boolean {
    if (this.#connector !== undefined && !this.#isReading) this.#read(this.#connector, MOST);
    return !this.#isBehind;
  }

  #open(): FeedConnector | string {
    const { open, watch } = this.#options;
    if (watch === undefined || open === undefined) return 'no process events are listened to';
    try {
      return open({ message: (message) => this.#take(message), lost: (count) => this.#lost(count) });
    } catch (error) {
      return error instanceof Error ? error.message : 'no calls of the kernel here';
    }
  }

  #listen(connector: FeedConnector): void {
    this.#connector = connector;
    this.#table.polled = false;
    this.#unwatch = this.#options.watch?.add({
      fd: connector.fd,
      events: POLL.IN,
      ready: () => {
        this.#read(connector, TURN);
        return 0;
      },
    });
  }

  #read(connector: FeedConnector, most: number): void {
    this.#isReading = true;
    this.#isBehind = !connector.drain(most);
    this.#isReading = false;
    const { failure } = connector;
    if (failure !== undefined && this.#connector === connector) this.#poll(failure);
    if (!this.#hasStarts || this.#isBehind) return;
    this.#hasStarts = false;
    this.#options.listener.executed();
  }

  #close(): void {
    this.#unwatch?.();
    this.#connector?.close();
    this.#unwatch = undefined;
    this.#connector = undefined;
    this.#isBehind = false;
  }

  #poll(because: string): void {
    this.#close();
    this.pollingBecause = because;
    this.#table.polled = true;
    this.#scanLater(POLL_MS);
    this.#retryLater();
  }

  /** What kept the kernel's events away may pass: no memory, a socket that failed, rights that are given later. */
  #retryLater(): void {
    const { open, watch, startTimer } = this.#options;
    if (watch === undefined || open === undefined) return;
    this.#cancelRetry?.();
    this.#cancelRetry = startTimer(RETRY_MS, () => {
      const opened = this.#open();
      if (typeof opened === 'string') {
        this.pollingBecause = opened;
        this.#retryLater();
        return;
      }
      this.pollingBecause = undefined;
      this.#listen(opened);
      // What began or ended since the last poll and before the kernel told of it.
      this.#compare();
    });
  }

  #scanLater(ms: number): void {
    this.#cancelScan ??= this.#options.startTimer(ms, () => {
      this.#cancelScan = undefined;
      this.#compare();
      if (this.pollingBecause !== undefined) this.#scanLater(POLL_MS);
    });
  }

  #sweepLater(): void {
    this.#cancelSweep = this.#options.startTimer(SWEEP_MS, () => {
      const now = this.#table.clock.monotonic();
      for (const entry of this.#table.sweep()) this.#options.listener.ended(entry, now);
      this.#sweepLater();
    });
  }

  /** What the list of processes has that no event told. */
  #compare(): void {
    const how = this.pollingBecause === undefined ? 'found after a loss of events' : 'found by polling';
    if (this.pollingBecause !== undefined) this.#table.lost();
    else this.catchUp();
    const now = this.#table.clock.monotonic();
    const { started, ended } = this.#table.scan();
    for (const entry of ended) if (entry.executed) this.#options.listener.ended(entry, now);
    for (const entry of started) this.#options.listener.started(entry, now, how);
  }

  #lost(count: number): void {
    this.#table.lost();
    this.#options.listener.lost(count);
    this.#scanLater(AFTER_LOSS_MS);
  }

  #take(message: ProcessMessage): void {
    const { listener } = this.#options;
    if (message.kind === 'fork') this.#table.forked(message);
    else if (message.kind === 'exec') {
      const entry = this.#table.executed(message);
      this.#hasStarts = true;
      if (entry !== undefined) listener.started(entry, message.at);
    } else if (message.kind === 'uid') {
      const before = this.#table.userChanged(message);
      const entry = before === undefined ? undefined : this.#table.known(message.pid);
      if (before !== undefined && entry !== undefined) listener.userChanged(entry, before, message.at);
    } else if (message.kind === 'exit') {
      const entry = this.#table.exited(message);
      if (entry !== undefined) listener.ended(entry, message.at, message.status);
    }
  }
}
