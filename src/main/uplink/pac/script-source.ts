import { toInstant } from '../../clock.ts';
import type { GoodScript, LastGood } from './last-good.ts';
import type { LoadedScript } from './script-text.ts';

/** Pause after a failure before a server is asked again, ms: else a dead one would cost each connection its timeout. */
export const RETRY_MS = 60_000;

export interface ScriptSourceOptions {
  /** The location as messages name it. */
  readonly location: string;
  /** What tells its copy from the one of another location. */
  readonly key: string;
  /** Gets the script; what it throws is the reason why it can't be had. */
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
  /** The last script that was of no use: a file, which is read each time, is not run each time to see that again. */
  #bad: { readonly script: string; readonly reason: string; readonly at: number } | undefined;
  #failure: string | undefined;
  /** Until when nothing is fetched; counts from `#decidedAt`, which a clock that is set back undercuts. */
  #restUntil = 0;
  #decidedAt = 0;
  #loading: Promise<boolean> | undefined;
  #abort = new AbortController();

  constructor(options: ScriptSourceOptions) {
    this.#options = options;
  }

  /** The script, fetched first if it is due. Never rejects. */
  async current(): Promise<CurrentScript> {
    // A change of the network makes what was waited for worthless; one that flaps must not hold anybody.
    if (this.#isDue() && !(await this.#loaded()) && this.#isDue()) await this.#loaded();
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

  /** Waits for the fetch under way, or starts one; `false` when it was given up. */
  #loaded(): Promise<boolean> {
    const loading = this.#loading ?? this.#load();
    this.#loading = loading;
    return loading;
  }

  async #load(): Promise<boolean> {
    const { key, lastGood, now, retryMs } = this.#options;
    const { signal } = this.#abort;
    const loaded = await this.#tryToLoad(signal);
    if (signal.aborted) return false;
    this.#loading = undefined;
    this.#decidedAt = now();
    if ('failure' in loaded) {
      this.#good ??= lastGood.read(key);
      this.#failure = loaded.failure;
      this.#restUntil = this.#decidedAt + retryMs;
      return true;
    }
    this.#failure = undefined;
    this.#restUntil = this.#decidedAt + loaded.freshMs;
    if (loaded.script !== this.#good?.script) {
      this.#good = { script: loaded.script, since: this.#decidedAt };
      lastGood.write(key, this.#good);
    }
    return true;
  }

  /** A script that is the one we have or runs, else the reason. */
  async #tryToLoad(signal: AbortSignal): Promise<LoadedScript | { readonly failure: string }> {
    try {
      const loaded = await this.#options.load(signal);
      const reason = await this.#fault(loaded.script);
      return reason === undefined ? loaded : { failure: reason };
    } catch (error) {
      return { failure: error instanceof Error ? error.message : String(error) };
    }
  }

  async #fault(script: string): Promise<string | undefined> {
    if (script === this.#good?.script) return undefined;
    const age = this.#options.now() - (this.#bad?.at ?? 0);
    if (script === this.#bad?.script && age >= 0 && age < RETRY_MS) return this.#bad.reason;
    const reason = await this.#options.check(script);
    this.#bad = reason === undefined ? undefined : { script, reason, at: this.#options.now() };
    return reason;
  }

  #state(): CurrentScript {
    const script = this.#good === undefined ? {} : { script: this.#good.script };
    if (this.#failure === undefined) return script;
    const copy = this.#good === undefined ? '' : `; the copy of ${toInstant(this.#good.since)} is used`;
    return { ...script, problem: `${this.#options.location} ${this.#failure}${copy}` };
  }
}
