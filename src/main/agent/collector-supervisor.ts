import type { FromCollector, ToCollector } from '../../shared/collector.ts';
import type { Clock } from '../clock.ts';
import type { CollectorPort, StartCollector } from './collector-process.ts';

/** First and longest pause before a collector that ended is started again, ms. */
const RESTART_FIRST_MS = 1_000;
const RESTART_CAP_MS = 60_000;

/** What the supervisor tells its owner. */
export interface SupervisorEvents {
  readonly message: (message: FromCollector) => void;
  readonly up: () => void;
  /** The process is gone; it is started again at `restartAt` (ms). `inARow` counts ends without finished work between. */
  readonly down: (reason: string, inARow: number, restartAt: number) => void;
}

/** Keeps one collector process alive: started again after it ends, at growing intervals while it gets nothing done. */
export class CollectorSupervisor {
  readonly #start: StartCollector;
  readonly #clock: Clock;
  readonly #events: SupervisorEvents;
  #port: CollectorPort | undefined;
  #cancelRestart: () => void = () => undefined;
  #inARow = 0;
  #restarts = 0;
  #stopping = false;

  constructor(start: StartCollector, clock: Clock, events: SupervisorEvents) {
    this.#start = start;
    this.#clock = clock;
    this.#events = events;
  }

  get pid(): number | null {
    return this.#port?.pid ?? null;
  }

  /** How often it had to be started again. */
  get restarts(): number {
    return this.#restarts;
  }

  start(): void {
    this.#port = this.#start({
      message: (message) => {
        if (message.kind === 'ready') this.#events.up();
        else if (message.kind === 'done') this.#inARow = 0;
        this.#events.message(message);
      },
      ended: (reason) => {
        this.#ended(reason);
      },
    });
  }

  send(message: ToCollector): void {
    this.#port?.send(message);
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    this.#cancelRestart();
    await this.#port?.stop();
  }

  #ended(reason: string): void {
    const port = this.#port;
    this.#port = undefined;
    if (this.#stopping) return;
    // One that was given up for a message that can't be read still runs.
    void port?.stop();
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
