import type { KeyedRow, ReadContext } from '../table.ts';

/** Least time between two samples, and the age from which on a sample says nothing any more, in milliseconds. */
const APART_MS = 10_000;
const STALE_MS = 600_000;

interface Sample {
  readonly at: number;
  readonly rows: ReadonlyMap<string, KeyedRow>;
}

/**
 * Rows that stay: present in two samples at least 10 s apart. The last sample of each host root is kept, so that a
 * collection soon after another does not wait again.
 */
export class TwoSamples {
  readonly #take: (context: ReadContext) => Iterable<KeyedRow> | Promise<Iterable<KeyedRow>>;
  readonly #last = new Map<string, Sample>();

  constructor(take: (context: ReadContext) => Iterable<KeyedRow> | Promise<Iterable<KeyedRow>>) {
    this.#take = take;
  }

  /** Makes sure of a first sample. */
  async prepare(context: ReadContext): Promise<void> {
    await this.#first(context);
  }

  /** Takes the second sample, waiting for the rest of the 10 s, and yields what stands in both. */
  async *read(context: ReadContext): AsyncGenerator<KeyedRow> {
    const first = await this.#first(context);
    const wait = first.at + APART_MS - context.now();
    if (wait > 0) await context.sleep(wait);
    const second = await this.#sample(context);
    for (const [key, row] of second.rows) if (first.rows.has(key)) yield row;
  }

  /** The kept sample, unless it is stale or the clock was set back behind it. */
  async #first(context: ReadContext): Promise<Sample> {
    const kept = this.#last.get(context.root);
    const age = kept === undefined ? -1 : context.now() - kept.at;
    return kept !== undefined && age >= 0 && age <= STALE_MS ? kept : this.#sample(context);
  }

  async #sample(context: ReadContext): Promise<Sample> {
    const rows = new Map<string, KeyedRow>();
    for (const row of await this.#take(context)) rows.set(row.key, row);
    const sample = { at: context.now(), rows };
    this.#last.set(context.root, sample);
    return sample;
  }
}
