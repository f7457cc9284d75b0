import type { FromCollector, ToCollector } from '../../shared/collector.ts';
import type { Clock } from '../clock.ts';
import type { CollectorPort, StartCollector } from './collector-process.ts';

/** First and longest pause before a collector that ended is started again, ms. */
const RESTART_FIRST_MS = 1_000;
const RESTART_CAP_MS = 60_000;

/** How long a collector may take to say that it is ready, ms. */
const READY_MS = 60_000;
/** How long one that collects may say nothing, ms: it shows life every 2 s unless a hung disk blocks it. */
const SILENCE_MS = 120_000;
/** A deadline that is seen this late passed while the machine slept: the collector slept too. */
const SLEPT_MS = 60_000;

const MB = 1024 * 1024;

/** Bytes in whole MB (1024² bytes), as people read them. */
export const inMb = (bytes: number): string => String(Math.round(bytes / MB));

/** What the supervisor tells its owner. */
export interface SupervisorEvents {
  readonly message: (message: FromCollector) => void;
  readonly up: () => void;
  /** The process has more memory than it may, and is ended: `down` follows. */
  readonly tooLarge: (rssBytes: number) => void;
  /** The process is gone; it is started again at `restartAt` (ms). `inARow` counts ends without finished work between. */
  readonly down: (reason: string, inARow: number, restartAt: number) => void;
}

/**
 * Keeps one collector process alive: started again after it ends or gets stuck, at growing intervals while it gets
 * nothing done.
 */
export class CollectorSupervisor {
  readonly #start: StartCollector;
  readonly #clock: Clock;
  readonly #events: SupervisorEvents;
  readonly #memoryBytes: number;
  #port: CollectorPort | undefined;
  /** Which start is the current one: what earlier processes still say is not heard. */
  #run = 0;
  #alive = false;
  #cancelRestart: () => void = () => undefined;
  #cancelDeadline: () => void = () => undefined;
  #inARow = 0;
  #restarts = 0;
  #stopping = false;

  /** `memoryBytes` is what the process may have. */
  constructor(start: StartCollector, clock: Clock, memoryBytes: number, events: SupervisorEvents) {
    this.#start = start;
    this.#memoryBytes = memoryBytes;
    this.#clock = clock;
    this.#events = events;
  }

  get pid(): number | null {
    return this.#alive ? (this.#port?.pid ?? null) : null;
  }

  /** How often it had to be started again. */
  get restarts(): number {
    return this.#restarts;
  }

  start(): void {
    this.#run += 1;
    const run = this.#run;
    this.#alive = true;
    this.#deadline(READY_MS, 'did not become ready');
    this.#port = this.#start({
      message: (message) => {
        if (this.#alive && run === this.#run) this.#message(message);
      },
      ended: (reason) => {
        if (this.#alive && run === this.#run) this.#ended(reason);
      },
    });
  }

  send(message: ToCollector): void {
    if (!this.#alive) return;
    if (message.kind === 'collect') this.#deadline(SILENCE_MS, 'said nothing for too long');
    else if (message.kind === 'cancel') this.#cancelDeadline();
    this.#port?.send(message);
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    this.#cancelRestart();
    this.#cancelDeadline();
    await this.#port?.stop();
  }

  #message(message: FromCollector): void {
    switch (message.kind) {
      case 'ready':
        this.#cancelDeadline();
        this.#events.up();
        break;
      case 'task':
        // Whatever ends it now was not there at the last end.
        this.#inARow = 0;
        this.#deadline(SILENCE_MS, 'said nothing for too long');
        break;
      case 'batch':
      case 'started':
        this.#deadline(SILENCE_MS, 'said nothing for too long');
        break;
      case 'alive':
        this.#deadline(SILENCE_MS, 'said nothing for too long');
        if (message.rssBytes > this.#memoryBytes) {
          this.#events.tooLarge(message.rssBytes);
          this.#ended(`it had ${inMb(message.rssBytes)} MB of memory, more than it may`);
          return;
        }
        break;
      case 'done':
        this.#inARow = 0;
        this.#cancelDeadline();
        break;
      case 'failed':
        this.#cancelDeadline();
        break;
      case 'changed':
      case 'log':
        break;
    }
    this.#events.message(message);
  }

  /** Gives the collector up unless something cancels this first. */
  #deadline(ms: number, reason: string): void {
    this.#cancelDeadline();
    const at = this.#clock.now() + ms;
    this.#cancelDeadline = this.#clock.at(at, () => {
      const late = this.#clock.now() - at;
      if (late < 0 || late >= SLEPT_MS) this.#deadline(ms, reason);
      else this.#ended(reason);
    });
  }

  #ended(reason: string): void {
    this.#alive = false;
    this.#cancelDeadline();
    if (this.#stopping) return;
    // One that was given up still runs.
    void this.#port?.stop();
    this.#inARow += 1;
    const pause = Math.min(RESTART_CAP_MS, RESTART_FIRST_MS * 2 ** (this.#inARow - 1));
    const restartAt = this.#clock.now() + pause;
    this.#cancelRestart = this.#clock.at(restartAt, () => {
      this.#restarts += 1;
      this.start();
    });
    this.#events.down(reason, this.#inARow, restartAt);
  }
}
