import { CHANGE } from '../change.ts';
import type { Examination } from './messages.ts';

interface Batch {
  readonly id: number;
  readonly items: readonly Examination[];
  next: number;
  committed: number;
}

/** What moved first: once a file is known at its new place, its old one is no deletion. */
function inOrder(items: readonly Examination[]): Examination[] {
  const came = ({ from, what }: Examination): boolean => from !== undefined || (what & CHANGE.movedTo) !== 0;
  return [...items.filter(came), ...items.filter((item) => !came(item))];
}

/** Batches of examinations in their order. What was looked at and did not become durable is looked at again. */
export class BatchQueue {
  readonly #batches: Batch[] = [];

  add(id: number, items: readonly Examination[]): void {
    this.#batches.push({ id, items: inOrder(items), next: 0, committed: 0 });
  }

  get isEmpty(): boolean {
    return this.#batches.every(({ next, items }) => next >= items.length);
  }

  /** The next path to look at. */
  take(): Examination | undefined {
    const batch = this.#batches.find(({ next, items }) => next < items.length);
    if (batch === undefined) return undefined;
    batch.next += 1;
    return batch.items[batch.next - 1];
  }

  /** Everything that was taken is durable. Returns the batches that are through with it. */
  committed(): number[] {
    for (const batch of this.#batches) batch.committed = batch.next;
    const done: number[] = [];
    for (
      let first = this.#batches[0];
      first !== undefined && first.next >= first.items.length;
      [first] = this.#batches
    ) {
      done.push(first.id);
      this.#batches.shift();
    }
    return done;
  }

  /** What was taken since the last commit is to be looked at again. */
  rolledBack(): void {
    for (const batch of this.#batches) batch.next = batch.committed;
  }
}
