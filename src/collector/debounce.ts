/** Starts a timer; the result cancels it. */
export type StartTimer = (ms: number, fire: () => void) => () => void;

/** Timers of the process that do not keep it alive. */
export const processTimer: StartTimer = (ms, fire) => {
  const timer = setTimeout(fire, ms).unref();
  return () => {
    clearTimeout(timer);
  };
};

/** Turns a burst of events into one call: after `quietMs` without an event, at the latest `maxMs` after the first. */
export class Debounce {
  readonly #quietMs: number;
  readonly #maxMs: number;
  readonly #startTimer: StartTimer;
  readonly #fire: () => void;
  #cancelQuiet: (() => void) | undefined;
  #cancelMax: (() => void) | undefined;

  constructor(options: { quietMs: number; maxMs: number; startTimer: StartTimer; fire: () => void }) {
    this.#quietMs = options.quietMs;
    this.#maxMs = options.maxMs;
    this.#startTimer = options.startTimer;
    this.#fire = options.fire;
  }

  event(): void {
    const end = (): void => {
      this.cancel();
      this.#fire();
    };
    this.#cancelQuiet?.();
    this.#cancelQuiet = this.#startTimer(this.#quietMs, end);
    this.#cancelMax ??= this.#startTimer(this.#maxMs, end);
  }

  /** Forgets what is pending. */
  cancel(): void {
    this.#cancelQuiet?.();
    this.#cancelMax?.();
    this.#cancelQuiet = undefined;
    this.#cancelMax = undefined;
  }
}
