import type { StartTimer } from '../../debounce.ts';
import { reasonOf } from '../../reasons.ts';
import { Unreadable, type ReadContext } from '../../table.ts';
import type { Audited } from './audit-events.ts';
import { AuditLog } from './audit-log.ts';
import type { AuditPolicy } from './audit-policy.ts';

/** How often the log is read while somebody follows what happens, and how often the audit policy is looked at, ms. */
const READ_MS = 5_000;
const POLICY_MS = 60_000;

/** Polls of one reading (16,000 records each at most): a log that grows faster is not read to its end. */
const POLLS = 4;

/** Who hears what the log says. */
export interface AuditListener {
  readonly audited: (audited: readonly Audited[]) => void;
  /** Records are gone that were not read; how many, where it is known. */
  readonly lost?: (reason: string, count: number | undefined) => void;
}

export interface SecurityLogOptions {
  readonly run: ReadContext['run'];
  readonly startTimer: StartTimer;
  /** Throws where it can't be read. */
  readonly policy: () => AuditPolicy;
  /** Number of the last record that the run before read. */
  readonly after: number | undefined;
  /** Something of the log was read, all of it or not: `after` is another one. */
  readonly read: () => void;
  /** The policy, or whether the log can be read, is other than before. */
  readonly changed: () => void;
  readonly log: (level: 'warn' | 'info', message: string) => void;
}

/** The Security log for all who need it: read by one at a time, told to everybody. */
export class SecurityLog {
  readonly #options: SecurityLogOptions;
  readonly #audit: AuditLog;
  readonly #listeners: AuditListener[] = [];
  #policy: AuditPolicy | undefined;
  #policyTrouble: string | undefined;
  #trouble: string | undefined;
  #current: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;
  #cancelRead: (() => void) | undefined;
  #cancelPolicy: (() => void) | undefined;
  #stopped = false;

  constructor(options: SecurityLogOptions) {
    this.#options = options;
    this.#audit = new AuditLog({
      run: options.run,
      after: options.after,
      audited: (audited) => {
        for (const listener of this.#listeners) listener.audited(audited);
      },
      lost: (reason, count) => {
        options.log('warn', `${reason}${count === undefined ? '' : `: ${count}`}`);
        for (const listener of this.#listeners) listener.lost?.(reason, count);
      },
    });
  }

  /** Number of the last record that was read. */
  get after(): number | undefined {
    return this.#audit.after;
  }

  /** What the host writes into the log; `undefined` where that can't be told. */
  get policy(): AuditPolicy | undefined {
    return this.#policy;
  }

  /** Why the log or the policy can't be read; `undefined` while both can. */
  get trouble(): string | undefined {
    return this.#trouble ?? this.#policyTrouble;
  }

  listen(listener: AuditListener): void {
    this.#listeners.push(listener);
  }

  /** Looks at the policy now and from time to time, and whether the log still has all that was not read. */
  start(): void {
    this.#audit.checkAgain();
    this.#lookAtPolicy();
    this.#cancelPolicy = this.#options.startTimer(POLICY_MS, () => {
      this.start();
    });
  }

  /** Whether it is read again and again, beginning now, or only when it is asked for. */
  follow(steadily: boolean): void {
    if (!steadily) {
      this.#cancelRead?.();
      this.#cancelRead = undefined;
    } else if (this.#cancelRead === undefined) {
      this.#audit.checkAgain();
      this.begin();
      this.#armRead();
    }
  }

  /** Reads it once, so that what comes from now on is told: in a first run its end is where that begins. */
  begin(): void {
    void this.read().catch(() => undefined);
  }

  /**
   * Reads the log up to now: what was there when this was called is told when it resolves. Rejects where it can't be read, or
   * not to its end.
   */
  read(): Promise<void> {
    this.#next ??= this.#current.then(() => {
      this.#next = undefined;
      return this.#read();
    });
    this.#current = this.#next.catch(() => undefined);
    return this.#next;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.follow(false);
    this.#cancelPolicy?.();
    await this.#current;
  }

  #armRead(): void {
    this.#cancelRead = this.#options.startTimer(READ_MS, () => {
      // The next one is not due before this one is over: a slow log is not asked ever more often.
      void this.read()
        .catch(() => undefined)
        .then(() => {
          if (this.#cancelRead !== undefined && !this.#stopped) this.#armRead();
        });
    });
  }

  async #read(): Promise<void> {
    if (this.#stopped) throw new Unreadable('the sensor ends');
    try {
      for (let polls = 0; polls < POLLS; polls += 1) {
        if (await this.#audit.poll()) {
          this.#note(undefined);
          return;
        }
      }
      throw new Unreadable('the Security log grows faster than it is read');
    } catch (error) {
      this.#note(error instanceof Error ? error.message : reasonOf(error));
      throw error;
    } finally {
      this.#options.read();
    }
  }

  #note(trouble: string | undefined): void {
    if (trouble === this.#trouble || this.#stopped) return;
    this.#trouble = trouble;
    if (trouble !== undefined) this.#options.log('warn', trouble);
    this.#options.changed();
  }

  #lookAtPolicy(): void {
    const before = JSON.stringify([this.#policy, this.#policyTrouble]);
    try {
      this.#policy = this.#options.policy();
      this.#policyTrouble = undefined;
    } catch (error) {
      this.#policy = undefined;
      this.#policyTrouble = error instanceof Error ? error.message : reasonOf(error);
    }
    if (JSON.stringify([this.#policy, this.#policyTrouble]) !== before) this.#options.changed();
  }
}
