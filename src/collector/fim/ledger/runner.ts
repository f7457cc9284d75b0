import type { Pending } from './pending.ts';
import type { LedgerStore } from './store.ts';
import type { Walker } from './walk.ts';

/** What names a piece of work over all its tries. */
export const workName = ({ kind, path }: Pick<Pending, 'kind' | 'path'>): string => `${kind} ${path}`;

/** Does pending work of some lanes, one item after the other, in slices. */
export class Runner {
  readonly #store: LedgerStore;
  readonly #walker: Walker;
  readonly #from: number;
  readonly #to: number;
  readonly #skipped: ReadonlySet<string>;
  #current: { readonly item: Pending; readonly steps: Generator<void, void> } | undefined;

  /** `from` and `to` are the first and last lane; what is named in `skipped` is struck off without being done. */
  constructor(store: LedgerStore, walker: Walker, from: number, to: number, skipped: ReadonlySet<string>) {
    this.#store = store;
    this.#walker = walker;
    this.#from = from;
    this.#to = to;
    this.#skipped = skipped;
  }

  /** Whether there is anything to do at this time, ms since the epoch. */
  hasWork(now: number): boolean {
    return this.#current !== undefined || this.#store.pending.next(now, this.#from, this.#to) !== undefined;
  }

  /**
   * Works, in the open transaction, until `isOver` or there is nothing left. Returns whether there is more. Throws what the
   * work throws; the item is named by `current`.
   */
  run(now: number, isOver: () => boolean): boolean {
    do {
      if (this.#current === undefined) {
        const item = this.#store.pending.next(now, this.#from, this.#to);
        if (item === undefined) return false;
        if (this.#skipped.has(workName(item))) {
          this.#store.pending.remove(item.seq);
          continue;
        }
        this.#current = { item, steps: this.#walker.work(item) };
      }
      if (this.#current.steps.next().done === true) this.#current = undefined;
    } while (!isOver());
    return true;
  }

  get current(): Pending | undefined {
    return this.#current?.item;
  }

  /** The transaction was rolled back, or ends for good: what was begun is begun anew. */
  drop(): void {
    this.#current?.steps.return();
    this.#current = undefined;
  }
}
