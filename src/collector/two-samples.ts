import type { KeyedRow, ReadContext } from './table.ts';

/** Least time between two samples, and the age from which on a sample says nothing any more, in milliseconds. */
const APART_MS = 10_000;
const STALE_MS = 600_000;

interface Sample {
  readonly at: number;
  readonly rows: ReadonlyMap<string, KeyedRow>;
}

type Take = (context: ReadContext) => Iterable<KeyedRow> | Promise<Iterable<KeyedRow>>;

/**
 * Rows that stay: present in two samples at least 10 s apart. What was found is kept per host root: a collection that
 * begins within 10 s of another gets the same answer, a later one needs a single new sample. So of the collections that
 * follow one another only the first waits.
 */
export class TwoSamples {
  readonly #take: Take;
  readonly #last = new Map<string, Sample>();
  /** Outcome of the last comparison. */
  readonly #settled = new Map<string, Sample>();

  constructor(take: Take) {
    this.#take = take;
  }

  /** Makes sure of a first sample. */
  async prepare(context: ReadContext): Promise<void> {
    if (this.#fresh(context) === undefined) await this.#first(context);
  }

  /** The rows that stay, waiting for the rest of the 10 s after a first sample. */
  async *read(context: ReadContext): AsyncGenerator<KeyedRow> {
    const { rows } = this.#fresh(context) ?? (await this.#settle(context));
    yield* rows.values();
  }

  /** The last outcome while a new one could not differ by more than the two samples may. */
  #fresh(context: ReadContext): Sample | undefined {
    const settled = this.#settled.get(context.root);
    return settled !== undefined && isWithin(settled, apartMs(context) - 1, context) ? settled : undefined;
  }

  async #settle(context: ReadContext): Promise<Sample> {
    const first = await this.#first(context);
    const wait = first.at + apartMs(context) - context.now();
    if (wait > 0) await context.sleep(wait);
    const second = await this.#sample(context);
    const rows = new Map([...second.rows].filter(([key]) => first.rows.has(key)));
    const settled = { at: second.at, rows };
    this.#settled.set(context.root, settled);
    return settled;
  }

  /** The kept sample, unless it is stale or the clock was set back behind it. */
  async #first(context: ReadContext): Promise<Sample> {
    const kept = this.#last.get(context.root);
    return kept !== undefined && isWithin(kept, STALE_MS, context) ? kept : this.#sample(context);
  }

  async #sample(context: ReadContext): Promise<Sample> {
    const rows = new Map<string, KeyedRow>();
    for (const row of await this.#take(context)) rows.set(row.key, row);
    const sample = { at: context.now(), rows };
    this.#last.set(context.root, sample);
    return sample;
  }
}

const apartMs = ({ samplesApartMs = APART_MS }: ReadContext): number => samplesApartMs;

function isWithin(sample: Sample, ms: number, context: ReadContext): boolean {
  const age = context.now() - sample.at;
  return age >= 0 && age <= ms;
}
