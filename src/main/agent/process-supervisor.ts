import type { Clock } from '../clock.ts';
import type { ProcessPort, StartProcess } from './process-port.ts';

/** First and longest pause before a process that ended is started again, ms. */
const RESTART_FIRST_MS = 1_000;
const RESTART_CAP_MS = 60_000;

/** How long a process may take to say that it is ready, ms. */
const READY_MS = 60_000;
/** A deadline that is seen this late passed while the machine slept: the process slept too. */
const SLEPT_MS = 60_000;

const MB = 1024 * 1024;

/** Bytes in whole MB (1024² bytes), as people read them. */
export const inMb = (bytes: number): string => String(Math.round(bytes / MB));

/** Whether a process has to say something within its time from now on, or may be silent. */
export type Pace = 'working' | 'resting';

/** What a message tells of the process that sent it. */
export interface Sign {
  readonly isReady?: true;
  /** It got something done: whatever ends it now was not there at the last end. */
  readonly progress?: boolean;
  readonly pace?: Pace;
  /** The memory that it has, bytes. */
  readonly rssBytes?: number;
}

/** How a kind of process is kept alive. */
export interface SupervisorRules<To, From> {
  /** What the process may have, bytes. */
  readonly memoryBytes: number;
  /** How long one that works may say nothing, ms. */
  readonly silenceMs: number;
  /** Whether the next one waits until the one before is gone, as both would write the same files. */
  readonly oneAtATime: boolean;
  readonly sent: (message: To) => Pace | undefined;
  /** `upMs`: how long ago it was started. */
  readonly heard: (message: From, upMs: number) => Sign;
}

/** What the supervisor tells its owner. */
export interface SupervisorEvents<From> {
  readonly message: (message: From) => void;
  readonly up: () => void;
  /** The process has more memory than it may, and is ended: `down` follows. */
  readonly tooLarge: (rssBytes: number) => void;
  /** The process is gone; it is started again at `restartAt` (ms). `inARow` counts ends without finished work between. */
  readonly down: (reason: string, inARow: number, restartAt: number) => void;
}

/**
 * Keeps one process alive: started again after it ends or gets stuck, at growing intervals while it gets nothing done.
 */
export class ProcessSupervisor<To, From> {
  readonly #start: StartProcess<To, From>;
  readonly #clock: Clock;
  readonly #rules: SupervisorRules<To, From>;
  readonly #events: SupervisorEvents<From>;
  #port: ProcessPort<To> | undefined;
  /** Which start is the current one: what earlier processes still say is not heard. */
  #run = 0;
  #startedAt = 0;
  #alive = false;
  #cancelRestart: () => void = () => undefined;
  #cancelDeadline: () => void = () => undefined;
  #inARow = 0;
  #restarts = 0;
  #stopping = false;
  /** Resolves once the last process that was told to end is gone. */
  #gone: Promise<void> = Promise.resolve();

  constructor(
    start: StartProcess<To, From>,
    clock: Clock,
    rules: SupervisorRules<To, From>,
    events: SupervisorEvents<From>,
  ) {
    this.#start = start;
    this.#clock = clock;
    this.#rules = rules;
    this.#events = events;
  }

  get pid(): number | null {
    return this.#alive ? (this.#port?.pid ?? null) : null;
  }

  /** How often it had to be started again. */
  get restarts(): number {
    return this.#restarts;
  }

  /** Starts the process; also after `stop`. */
  start(): void {
    this.#stopping = false;
    this.#run += 1;
    const run = this.#run;
    if (!this.#rules.oneAtATime || this.#port === undefined) this.#begin(run);
    else {
      void this.#gone.then(() => {
        if (run === this.#run && !this.#stopping) this.#begin(run);
      });
    }
  }

  send(message: To): void {
    if (!this.#alive) return;
    this.#pace(this.#rules.sent(message));
    this.#port?.send(message);
  }

  /** Ends the process; it is not started again. Resolves once it is gone. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#alive = false;
    this.#cancelRestart();
    this.#cancelDeadline();
    this.#end();
    await this.#gone;
  }

  #begin(run: number): void {
    this.#alive = true;
    this.#startedAt = this.#clock.now();
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

  #end(): void {
    const before = this.#gone;
    const ends = this.#port?.stop();
    if (ends !== undefined) this.#gone = Promise.all([before, ends]).then(() => undefined);
  }

  #message(message: From): void {
    const { isReady, progress, pace, rssBytes } = this.#rules.heard(
      message,
      this.#clock.now() - this.#startedAt,
    );
    if (isReady === true) {
      this.#cancelDeadline();
      this.#events.up();
    }
    if (progress === true) this.#inARow = 0;
    this.#pace(pace);
    if (rssBytes !== undefined && rssBytes > this.#rules.memoryBytes) {
      this.#events.tooLarge(rssBytes);
      this.#ended(`it had ${inMb(rssBytes)} MB of memory, more than it may`);
      return;
    }
    this.#events.message(message);
  }

  #pace(pace: Pace | undefined): void {
    if (pace === 'working') this.#deadline(this.#rules.silenceMs, 'said nothing for too long');
    else if (pace === 'resting') this.#cancelDeadline();
  }

  /** Gives the process up unless something cancels this first. */
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
    this.#end();
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
