import { toInstant } from '../../clock.ts';
import type { GoodScript, LastGood } from './last-good.ts';
import { Unavailable, type LoadedScript } from './script-text.ts';

/** Pause after a failure before a server is asked again, ms: else a dead one would cost each connection its timeout. */
export const RETRY_MS = 60_000;

export interface ScriptSourceOptions {
  /** The location as messages name it. */
  readonly location: string;
  /** What tells its copy from the one of another location. */
  readonly key: string;
  /** Gets the script; throws `Unavailable`. */
  readonly load: (signal: AbortSignal) => Promise<LoadedScript>;
  /** Pause after a failure, ms. */
  readonly retryMs: number;
  /** Why a script is of no use, `undefined` for one that runs. */
  readonly check: (script: string) => Promise<string | undefined>;
  readonly lastGood: LastGood;
  /** Now, ms since the epoch. */
  readonly now: () => number;
}

/** The script to use now, and what a person should know about it. */
export interface CurrentScript {
  readonly script?: string;
  readonly problem?: string;
}

/**
 * Holds the script of one location: fetched when it is needed and no longer fresh, by one fetch at a time, kept on when
 * a newer one can't be had or does not run.
 */
export class ScriptSource {
  readonly #options: ScriptSourceOptions;
  #good: GoodScript | undefined;
  #failure: string | undefined;
  /** Until when nothing is fetched; counts from `#decidedAt`, which a clock that is set back undercuts. */
  #restUntil = 0;
  #decidedAt = 0;
  #loading: Promise<void> | undefined;
  #abort = new AbortController();

  constructor(options: ScriptSourceOptions) {
    this.#options = options;
  }

  /** The script, fetched first if it is due. Never rejects. */
  async current(): Promise<CurrentScript> {
    if (this.#isDue()) {
      const loading = this.#loading ?? this.#load();
      this.#loading = loading;
      await loading;
    }
    return this.#state();
  }

  /** Has the next one who asks fetch anew, because the network changed. What is being fetched is given up. */
  refresh(): void {
    this.#abort.abort();
    this.#abort = new AbortController();
    this.#loading = undefined;
    this.#restUntil = 0;
  }

  #isDue(): boolean {
    const now = this.#options.now();
    return now >= this.#restUntil || now < this.#decidedAt;
  }

  async #load(): Promise<void> {
    const { signal } = this.#abort;
    const rest = await this.#fetch(signal);
    if (signal.aborted) return;
    this.#decidedAt = this.#options.now();
    this.#restUntil = this.#decidedAt + rest;
    this.#loading = undefined;
  }

  /** Fetches and checks; returns how long nothing needs to be fetched, ms. */
  async #fetch(signal: AbortSignal): Promise<number> {
    const { load, check, retryMs, key, lastGood, now } = this.#options;
    try {
      const { script, freshMs } = await load(signal);
      if (script !== this.#good?.script) {
        const reason = await check(script);
        if (reason !== undefined) throw new Unavailable(reason);
        this.#good = { script, since: now() };
        lastGood.write(key, this.#good);
      }
      this.#failure = undefined;
      return freshMs;
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
      this.#good ??= lastGood.read(key);
      this.#failure = error.message;
      return retryMs;
    }
  }

  #state(): CurrentScript {
    const script = this.#good === undefined ? {} : { script: this.#good.script };
    if (this.#failure === undefined) return script;
    const copy = this.#good === undefined ? '' : `; the copy of ${toInstant(this.#good.since)} is used`;
    return { ...script, problem: `${this.#options.location} ${this.#failure}${copy}` };
  }
}
