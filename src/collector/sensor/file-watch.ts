import type { FimRule } from '../../shared/file-integrity.ts';
import type { MountState } from '../../shared/sensor.ts';
import type { StartTimer } from '../debounce.ts';
import type { LostChanges, RawChange } from '../fim/change.ts';
import { RuleSet } from '../fim/rule-set.ts';
import type { ChangeSource, SourceEvents } from '../fim/source.ts';
import { reasonOf } from '../reasons.ts';
import type { Os } from '../table.ts';
import { Canary } from './canary.ts';

/** First and longest pause before a source that stopped is started again, ms. */
const RESTART_FIRST_MS = 1_000;
const RESTART_CAP_MS = 60_000;

/** Changes of the canary that went unnoticed in a row before the source is started again. */
const SILENT_BEFORE_RESTART = 2;

export interface FileWatchOptions {
  readonly os: Os;
  readonly now: () => number;
  readonly startTimer: StartTimer;
  /** Sources of this system, the best first; the next is tried when one can't start. */
  readonly sources: readonly ((events: SourceEvents) => ChangeSource)[];
  /** A file in a directory of the agent. */
  readonly canaryPath: string;
  readonly touchCanary: () => void;
  readonly changes: (changes: readonly RawChange[]) => void;
  readonly lost: (lost: LostChanges) => void;
  /** What `state` says is something else now. */
  readonly changed: () => void;
  readonly log: (level: 'error' | 'warn' | 'info' | 'debug', message: string) => void;
}

/** How the watch over files stands. */
export interface FileWatchState {
  readonly provider: string | undefined;
  /** Nothing is to be watched. */
  readonly idle: boolean;
  readonly actors: 'known' | 'unknown';
  /** Why the source does not know who made a change, where it could. */
  readonly noActors: string | undefined;
  readonly mounts: readonly MountState[];
  readonly canarySeenAt: number | undefined;
  readonly overflows: number;
  /** The source keeps silent about the canary. */
  readonly silent: boolean;
  /** Why the better source is not in use, or none is. */
  readonly trouble: string | undefined;
}

/** Keeps one source of file changes alive: the best that starts, started again when it stops or falls silent. */
export class FileWatch {
  readonly #options: FileWatchOptions;
  readonly #canary: Canary;
  #rules: RuleSet | undefined;
  #source: ChangeSource | undefined;
  /** Which start is the current one: what earlier ones still say is not heard. */
  #run = 0;
  #failures = 0;
  #overflows = 0;
  #silent = false;
  #trouble: string | undefined;
  #cancelRestart: () => void = () => undefined;
  /** A source failed, and none has begun since. */
  #wasDeaf = false;
  /** Starts, other rules and ends of sources, one after the other: two sources at once take what only one can have. */
  #turn: Promise<void> = Promise.resolve();

  constructor(options: FileWatchOptions) {
    this.#options = options;
    this.#canary = new Canary({
      touch: options.touchCanary,
      startTimer: options.startTimer,
      now: options.now,
      silent: (inARow) => {
        this.#fellSilent(inARow);
      },
      heard: () => {
        this.#silent = false;
        options.changed();
      },
      log: options.log,
    });
  }

  /**
   * Watches for these rules from now on; for none, nothing runs. `own` are directories of the agent. Changes are heard from the
   * moment this resolves; where a source is just being started, it has these rules after it.
   */
  async setRules(rules: readonly FimRule[], own: readonly string[]): Promise<void> {
    const { os, canaryPath } = this.#options;
    if (rules.length === 0) {
      await this.stop();
      return;
    }
    this.#rules = new RuleSet(rules, own, os, canaryPath);
    await this.#inTurn(() => this.#follow());
  }

  /** Name of the source that runs. Asked for every change: the whole state would look through the mounts each time. */
  get provider(): string | undefined {
    return this.#source?.provider;
  }

  state(): FileWatchState {
    const source = this.#source;
    return {
      provider: this.provider,
      idle: this.#rules === undefined,
      actors: source?.actors ?? 'unknown',
      noActors: source?.noActors,
      mounts: source?.mounts() ?? [],
      canarySeenAt: this.#canary.seenAt,
      overflows: this.#overflows,
      silent: this.#silent,
      trouble: this.#trouble,
    };
  }

  async stop(): Promise<void> {
    this.#run += 1;
    this.#cancelRestart();
    this.#canary.stop();
    this.#wasDeaf = false;
    this.#rules = undefined;
    const source = this.#source;
    this.#source = undefined;
    // One that is just being started is not waited for: it ends once it sees that it is not wanted.
    await source?.stop();
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }

  /** The rules of now, whatever they were when this was asked for. */
  async #follow(): Promise<void> {
    if (this.#rules === undefined) return;
    // A walk by these rules follows, so that nothing from before is lost.
    if (this.#source === undefined) await this.#start(this.#rules);
    else await this.#source.setRules(this.#rules);
  }

  async #start(rules: RuleSet): Promise<void> {
    // Other rules may come while an attempt is due: two sources would be one too many.
    this.#cancelRestart();
    this.#run += 1;
    const run = this.#run;
    const reasons: string[] = [];
    for (const open of this.#options.sources) {
      const source = open(this.#eventsOf(run));
      try {
        await source.start(rules);
        if (run !== this.#run) {
          await this.#end(source);
          return;
        }
        this.#source = source;
        break;
      } catch (error) {
        reasons.push(`${source.provider}: ${error instanceof Error ? error.message : reasonOf(error)}`);
        await this.#end(source);
        if (run !== this.#run) return;
      }
    }
    this.#trouble = reasons.length === 0 ? undefined : reasons.join('; ').slice(0, 400);
    if (this.#source === undefined)
      this.#failed(`no source of file changes: ${this.#trouble ?? 'none known'}`);
    else this.#begun(this.#source);
  }

  #begun(source: ChangeSource): void {
    this.#options.log('info', `watching files through ${source.provider}`);
    this.#canary.start();
    // What happened before it listened is found by looking.
    if (this.#wasDeaf) this.#options.lost({ reason: 'restart', below: [] });
    this.#wasDeaf = false;
    this.#options.changed();
  }

  #eventsOf(run: number): SourceEvents {
    const current = (): boolean => run === this.#run;
    return {
      changes: (changes) => {
        if (current()) this.#heard(changes);
      },
      lost: (lost) => {
        if (current()) this.#lost(lost);
      },
      failed: (reason) => {
        if (current()) this.#failed(reason);
      },
      mountsChanged: () => {
        if (current()) this.#options.changed();
      },
      log: this.#options.log,
    };
  }

  #heard(changes: readonly RawChange[]): void {
    const { canaryPath } = this.#options;
    this.#failures = 0;
    const others = changes.filter(({ path }) => path !== canaryPath);
    if (others.length < changes.length) this.#canary.seen();
    if (others.length > 0) this.#options.changes(others);
  }

  #lost(lost: LostChanges): void {
    // A mount or a new start is no loss of events.
    if (lost.reason === 'overflow' || lost.reason === 'error') this.#overflows += 1;
    this.#options.log(
      'warn',
      `file changes were lost (${lost.reason}): what may have changed is walked again`,
    );
    this.#options.lost(lost);
    this.#options.changed();
  }

  #failed(reason: string): void {
    const pause = Math.min(RESTART_CAP_MS, RESTART_FIRST_MS * 2 ** this.#failures);
    this.#failures += 1;
    this.#options.log('error', `file changes: ${reason}; next attempt in ${pause / 1000} s`);
    this.#trouble = reason.slice(0, 400);
    this.#wasDeaf = true;
    this.#canary.stop();
    this.#dropSource();
    this.#cancelRestart();
    this.#cancelRestart = this.#options.startTimer(pause, () => {
      void this.#inTurn(() => this.#restart());
    });
    this.#options.changed();
  }

  #fellSilent(inARow: number): void {
    this.#silent = true;
    if (inARow >= SILENT_BEFORE_RESTART) this.#failed('the source says nothing of changes that were made');
    else this.#options.changed();
  }

  async #restart(): Promise<void> {
    if (this.#rules !== undefined && this.#source === undefined) await this.#start(this.#rules);
  }

  #dropSource(): void {
    this.#run += 1;
    const source = this.#source;
    this.#source = undefined;
    if (source !== undefined) void this.#inTurn(() => this.#end(source));
  }

  async #end(source: ChangeSource): Promise<void> {
    try {
      await source.stop();
    } catch (error) {
      this.#options.log('warn', `file changes: not stopped cleanly: ${reasonOf(error)}`);
    }
  }
}
