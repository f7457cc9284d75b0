import type { KeyedRow, Reader } from '../table.ts';
import { type Batch, type Section, readSection } from './powershell.ts';

interface SectionReader<T> {
  readonly source: string;
  readonly root: Reader['root'];
  readonly batch: Batch;
  readonly section: Section<T>;
  readonly rows: (facts: readonly T[]) => Iterable<KeyedRow>;
}

/** A reader whose rows come from one section of a batch. Throws what `readSection` throws. */
export function sectionReader<T>({ source, root, batch, section, rows }: SectionReader<T>): Reader {
  return {
    source,
    root,
    async *read(context) {
      yield* rows(await readSection(context, batch, section));
    },
  };
}
