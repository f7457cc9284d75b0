import type { FromLedger } from './messages.ts';

/** Paths that are kept apart; more are not counted. */
export const MOST_UNREAD = 1_000;

/** Codes of what was there a moment ago, or is something else now: no fault of anybody. */
const VANISHED = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO', 'ESTALE']);

type Unreadable = Extract<FromLedger, { kind: 'baseline' }>['unreadable'];

/** What walks could not read below the paths of rules. */
export class UnreadPaths {
  #last: ReadonlyMap<string, string> = new Map();
  #now = new Map<string, string>();

  /** A walk could not read this path, encoded. `reason` is a code of the system; anything else is no matter of reading. */
  note(path: string, reason: string): void {
    if (!/^E[A-Z0-9]+$/.test(reason) || VANISHED.has(reason)) return;
    if (this.#now.size < MOST_UNREAD) this.#now.set(path, reason);
  }

  /** Nothing is left to walk: everything was, or a part, which says nothing of the rest. */
  walkEnded(isWhole: boolean): void {
    const found = isWhole ? this.#now : [...this.#last, ...this.#now].slice(0, MOST_UNREAD);
    this.#last = new Map(found);
    this.#now = new Map();
  }

  /** What the last walk of everything could not read, or one of a part since then; `null` where all was read. */
  get report(): Unreadable {
    const [first] = this.#last;
    return first === undefined ? null : { count: this.#last.size, path: first[0], reason: first[1] };
  }
}
