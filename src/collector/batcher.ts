import type { Item } from '../shared/rows.ts';

/** Bounds of one batch: items, and bytes of keys, rows and hashes. */
export const MAX_BATCH_ITEMS = 500;
export const MAX_BATCH_BYTES = 1024 * 1024;

/** Bytes that an item takes beside key and row: its hash and the punctuation. */
const ITEM_OVERHEAD = 100;

/** Collects items into batches and hands each on once it is full; the hand-over waits for credit. */
export class Batcher {
  readonly #send: (items: Item[]) => Promise<void>;
  #items: Item[] = [];
  #bytes = 0;

  constructor(send: (items: Item[]) => Promise<void>) {
    this.#send = send;
  }

  /** True when the item would pass a bound: `flush` first. */
  wouldOverflow(item: Item): boolean {
    return this.#items.length >= MAX_BATCH_ITEMS || this.#bytes + sizeOf(item) > MAX_BATCH_BYTES;
  }

  push(item: Item): void {
    this.#items.push(item);
    this.#bytes += sizeOf(item);
  }

  async flush(): Promise<void> {
    if (this.#items.length === 0) return;
    const items = this.#items;
    this.#items = [];
    this.#bytes = 0;
    await this.#send(items);
  }
}

function sizeOf(item: Item): number {
  return Buffer.byteLength(item.key) + Buffer.byteLength(item.row) + ITEM_OVERHEAD;
}
