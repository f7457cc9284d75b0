import type { StartTimer } from '../../debounce.ts';
import type { SourceEvents } from '../source.ts';
import type { RuleSet } from '../rule-set.ts';
import type { EsProcessSaid } from './es-events.ts';
import type { StartEslogger } from './es-process.ts';
import { EsLogger } from './eslogger.ts';

/**
 * How long the first message is waited for, ms: a refusal comes within a second, and a Mac on which nothing at all happens for so
 * long is hardly one. The next source takes over then, and gives way with the first message.
 */
const FIRST_MESSAGE_MS = 5_000;

export interface SharedOptions {
  readonly now: () => number;
  readonly startTimer: StartTimer;
  /** The account name of a uid. */
  readonly nameOf: (uid: number) => string | undefined;
  readonly process: (said: EsProcessSaid) => void;
  /** As `EsLoggerOptions.missed`. */
  readonly missed: (reason: string, count?: number) => void;
  /** `trouble` says something else than before. */
  readonly changed: () => void;
  readonly log: (level: 'warn' | 'info' | 'debug', message: string) => void;
  readonly start?: StartEslogger | undefined;
}

/** Who hears of files: the source in use, or one that is to be told once eslogger can be had. */
interface FileClient {
  readonly kind: 'source' | 'waiting';
  readonly rules: RuleSet;
  /** Those of its source: by them it is known which client it is. */
  readonly events: SourceEvents;
}

/** The one eslogger of a host, for the files and the processes of the sensor together. */
export class SharedEslogger {
  readonly #options: SharedOptions;
  readonly #logger: EsLogger;
  #client: FileClient | undefined;
  #processes = false;
  #waiters: { readonly heard: () => void; readonly refused: (reason: string) => void }[] = [];
  #trouble: string | undefined;

  constructor(options: SharedOptions) {
    this.#options = options;
    this.#logger = new EsLogger({
      now: options.now,
      startTimer: options.startTimer,
      nameOf: options.nameOf,
      changes: (changes) => {
        if (this.#client?.kind === 'source') this.#client.events.changes(changes);
      },
      lost: (lost) => {
        if (this.#client?.kind === 'source') this.#client.events.lost(lost);
      },
      process: options.process,
      missed: options.missed,
      failed: (text) => {
        if (text === '') this.#hears();
        else this.#failed(text);
      },
      ...(options.start === undefined ? {} : { start: options.start }),
    });
  }

  /** Why nothing is heard, with what to do about it; `undefined` while messages come, and before it was tried. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  /** Lines that were no message of a known form, since the start. */
  get unknown(): number {
    return this.#logger.unknown;
  }

  /** Whether starts and ends of processes are wanted from now on. */
  wantProcesses(wanted: boolean): void {
    this.#processes = wanted;
    this.#want();
  }

  /** Tells `events` of changes of files. Resolves once they are heard; rejects with the reason where they can't be. */
  async watch(rules: RuleSet, events: SourceEvents): Promise<void> {
    this.#client = { kind: 'source', rules, events };
    this.#want();
    if (this.#logger.hears) return;
    if (this.#logger.pauseLeft > FIRST_MESSAGE_MS) throw new Error(this.#trouble ?? 'eslogger ended');
    await this.#firstMessage();
  }

  /** Tries on by itself, and tells `events` that their source failed once messages about files come: it is to give way. */
  awaitFiles(rules: RuleSet, events: SourceEvents): void {
    this.#client = { kind: 'waiting', rules, events };
    this.#want();
  }

  /** Other rules for the source with these events, if it is still the one that hears of files. */
  setRules(rules: RuleSet, events: SourceEvents): void {
    if (this.#client?.events !== events) return;
    this.#client = { ...this.#client, rules };
    this.#want();
  }

  /** The source with these events ends; one that has come after it hears on. */
  unwatch(events: SourceEvents): void {
    if (this.#client?.events !== events) return;
    this.#client = undefined;
    this.#want();
  }

  stop(): void {
    this.#client = undefined;
    this.#processes = false;
    this.#want();
    this.#refuse('the sensor ends');
  }

  #want(): void {
    this.#logger.want({ files: this.#client?.rules, processes: this.#processes });
  }

  #firstMessage(): Promise<void> {
    return new Promise((resolve, reject) => {
      const cancel = this.#options.startTimer(FIRST_MESSAGE_MS, () => {
        this.#waiters = this.#waiters.filter((other) => other !== waiter);
        reject(new Error('eslogger says nothing'));
      });
      const waiter = {
        heard: () => {
          cancel();
          resolve();
        },
        refused: (reason: string) => {
          cancel();
          reject(new Error(reason));
        },
      };
      this.#waiters.push(waiter);
    });
  }

  #hears(): void {
    this.#trouble = undefined;
    for (const { heard } of this.#waiters.splice(0)) heard();
    this.#options.changed();
    if (this.#client?.kind === 'waiting')
      this.#client.events.failed('eslogger can be had now, which names who made a change');
  }

  #failed(text: string): void {
    const isNews = text !== this.#trouble;
    this.#trouble = text;
    this.#options.log(isNews ? 'warn' : 'debug', text);
    this.#options.changed();
    const isStarting = this.#waiters.length > 0;
    this.#refuse(text);
    // Whoever waits for the first message takes the next source; one that had begun is begun again.
    if (!isStarting && this.#client?.kind === 'source') this.#client.events.failed(text);
  }

  #refuse(reason: string): void {
    for (const { refused } of this.#waiters.splice(0)) refused(reason);
  }
}
