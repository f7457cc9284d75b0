import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { tablesDocument } from './document.ts';
import { TABLES } from './index.ts';

describe('docs/tables.md', () => {
  it('is what the tables say of themselves; if not, run scripts/tables-doc.ts', () => {
    const stored = readFileSync(new URL('../../../docs/tables.md', import.meta.url), 'utf8');
    expect(stored).toBe(tablesDocument(TABLES));
  });

  it('has a name of its own and columns for every table, and a Linux reader for 40 of them', () => {
    expect(new Set(TABLES.map(({ name }) => name)).size).toBe(TABLES.length);
    for (const table of TABLES) expect(Object.keys(table.columns).length).toBeGreaterThan(0);
    expect(TABLES.filter(({ sources }) => sources.linux !== undefined)).toHaveLength(40);
  });
});
