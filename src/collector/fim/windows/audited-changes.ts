import type { RawChange } from '../change.ts';
import { unknownActor } from '../unknown-actor.ts';

/** Changes that wait for the next reading of the log; more go without. */
const MAX_WAITING = 20_000;

const TOO_MANY = unknownActor('too many changes at once to look each up in the Security log');
const UNREADABLE = unknownActor('the Security log could not be read');

export interface AuditedChangesOptions {
  /** Reads the log up to now. Rejects where it can't be read. */
  readonly poll: () => Promise<void>;
  /** The change with the actor that the log names, as far as it is read. */
  readonly attribute: (change: RawChange) => RawChange;
  readonly changes: (changes: readonly RawChange[]) => void;
}

/**
 * Holds changes back until the Security log was read after them, so that the record of who made one is there when it is
 * looked for. One reading is under way at a time.
 */
export class AuditedChanges {
  readonly #options: AuditedChangesOptions;
  #waiting: RawChange[] = [];
  #reading: Promise<void> | undefined;

  constructor(options: AuditedChangesOptions) {
    this.#options = options;
  }

  /** Whether nothing waits. */
  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  add(changes: readonly RawChange[]): void {
    const room = MAX_WAITING - this.#waiting.length;
    this.#waiting.push(...changes.slice(0, Math.max(0, room)));
    const rest = changes.slice(Math.max(0, room));
    if (rest.length > 0) this.#options.changes(rest.map((change) => ({ ...change, by: TOO_MANY })));
  }

  /** Reads the log and lets go what waited when it began. Never rejects. */
  settle(): Promise<void> {
    this.#reading ??= this.#settle().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #settle(): Promise<void> {
    const waiting = this.#waiting;
    this.#waiting = [];
    let attribute = this.#options.attribute;
    try {
      await this.#options.poll();
    } catch {
      attribute = (change) => ({ ...change, by: UNREADABLE });
    }
    if (waiting.length > 0) this.#options.changes(waiting.map(attribute));
  }
}
