import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { GROUPS } from '../../scripts/mutation/groups.ts';
import { readReport } from '../../scripts/mutation/report.ts';
import { formatTable, mergeRows, parseRows, score, withTable } from '../../scripts/mutation/table.ts';

const ROOT = join(import.meta.dirname, '../..');
const row = (file: string, killed: number, survived: number, measured = '2026-11-20') => ({
  file,
  killed,
  survived,
  measured,
});

describe('mutation figures', () => {
  it('count a mutant that never ends as noticed, one that no test reaches as not, and one that fails to load as neither', () => {
    const mutant = (status: string, index: number) => ({
      mutatorName: 'BlockStatement',
      replacement: '{}',
      status,
      location: { start: { line: index, column: 1 } },
    });
    const statuses = [
      'Killed',
      'Timeout',
      'Survived',
      'NoCoverage',
      'RuntimeError',
      'CompileError',
      'Ignored',
    ];
    const report = { files: { 'src/b.ts': { mutants: statuses.map(mutant) }, 'src/a.ts': { mutants: [] } } };
    expect(readReport(JSON.stringify(report))).toEqual([
      {
        file: 'src/b.ts',
        killed: 2,
        survivors: [2, 3].map((line) => ({
          line,
          column: 1,
          mutator: 'BlockStatement',
          replacement: '{}',
        })),
      },
    ]);
  });

  it('take the place of older ones of the same file, and go with the file', () => {
    const before = [row('src/gone.ts', 1, 1), row('src/b.ts', 1, 9), row('src/a.ts', 5, 0)];
    const after = [row('src/b.ts', 9, 1, '2026-11-21')];
    const merged = mergeRows(before, after, (file) => file !== 'src/gone.ts');
    expect(merged).toEqual([row('src/a.ts', 5, 0), row('src/b.ts', 9, 1, '2026-11-21')]);
  });

  it('stand in the document as they were put there, with the rest of it untouched', () => {
    const rows = [row('src/a.ts', 1234, 0), row('src/long/name.ts', 7, 93)];
    const document = withTable('# Head\n\n| file | x |\n| old |\n\nFoot $& text.\n', rows);
    expect(document).toMatch(/^# Head\n\n\| file [^]*\n\nFoot \$& text\.\n$/);
    expect(parseRows(document)).toEqual(rows);
    expect(withTable(document, rows)).toBe(document);
    expect(formatTable(rows)).toContain(`| all              |   1241 |       93 |  93.0 |`);
    expect(() => withTable('no table', rows)).toThrow('no table of files');
  });

  it('are the share of killed ones, all of them where there is nothing to kill', () => {
    expect(score({ killed: 9, survived: 1 })).toBe(90);
    expect(score({ killed: 0, survived: 0 })).toBe(100);
  });

  it('come from groups whose sources and tests exist', () => {
    for (const { name, mutate, tests } of GROUPS) {
      for (const glob of [...mutate, ...tests].filter((one) => !one.startsWith('!'))) {
        expect(globSync(glob, { cwd: ROOT }), `${name}: ${glob}`).not.toEqual([]);
      }
    }
    for (const { file } of parseRows(readFileSync(join(ROOT, 'docs/mutation.md'), 'utf8'))) {
      expect(existsSync(join(ROOT, file)), file).toBe(true);
    }
  });
});
