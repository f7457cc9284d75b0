import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { rowsOf, sampleContext } from './testing/sample-host.ts';
import { tableNamed } from './tables/index.ts';
import type { KeyedRow } from './table.ts';
import { file } from './windows/file.ts';

const SAMPLES = (['windows', 'macos'] as const).flatMap((folder) => {
  const path = new URL(`${folder}/samples/rows.json`, import.meta.url);
  const tables = JSON.parse(readFileSync(path, 'utf8')) as Record<string, readonly KeyedRow[]>;
  const os = folder === 'windows' ? ('win32' as const) : ('darwin' as const);
  return Object.entries(tables).map(([table, rows]) => ({ os, table, rows }));
});

describe.each(SAMPLES)('$table on $os', ({ os, table, rows }) => {
  it('has a reader, and no column that the table does not name', () => {
    const spec = tableNamed(table);
    expect(Object.keys(spec?.sources ?? {})).toContain(os);
    const named = Object.keys(spec?.columns ?? {});
    for (const { row } of rows) expect(named).toEqual(expect.arrayContaining(Object.keys(row)));
  });

  it('gives each row a key of its own', () => {
    expect(new Set(rows.map(({ key }) => key)).size).toBe(rows.length);
  });
});

describe('the file probe on Windows', () => {
  it('R018 tells what is the same everywhere, and makes up no owner', async () => {
    const path = 'C:/Windows/System32/drivers/etc/hosts';
    const context = sampleContext({ os: 'win32', files: { [path]: '127.0.0.1 localhost\n' } });
    const [found] = await rowsOf(file, context, { path, hash: false, match: 'localhost' });
    expect(found?.row).toMatchObject({
      exists: true,
      type: 'file',
      size: 20,
      match: true,
      owner: null,
      mode: null,
    });
  });
});
