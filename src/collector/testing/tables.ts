import { bindTable, type Table } from '../bind.ts';
import type { KeyedRow, Reader, TableSpec } from '../table.ts';

/** A table for tests of the engine: a name and what reading it gives. */
export function fakeTable(name: string, read: Reader['read'], more: Partial<Reader> = {}): Table {
  const spec: TableSpec = {
    name,
    group: 'system',
    description: 'A table of a test.',
    key: 'the key',
    columns: { value: 'a value' },
    cost: 'low',
    readers: { linux: { source: 'the test', root: 'no', read, ...more } },
  };
  return bindTable(spec);
}

/** Rows with these keys. */
export const rowsWith = (...keys: string[]): KeyedRow[] => keys.map((key) => ({ key, row: { value: key } }));
