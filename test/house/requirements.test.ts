import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { nameErrors, scopeErrors, staleStates } from '../../scripts/requirements/compare.ts';
import { parseTable, withStates, type Requirement } from '../../scripts/requirements/table.ts';
import { namedTests } from '../../scripts/requirements/test-names.ts';

const document = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'requirements.md'), 'utf8');

function requirement(number: string, state: Requirement['state']): Requirement {
  return { number, mark: 'AGENT', behaviour: 'x', state };
}

describe('reading requirement numbers from test names', () => {
  it('finds plain, parametrised, conditional and templated names', () => {
    const source = [
      `it('R001 one', () => {});`,
      `test.each([1])('R002 and R003 for %s', () => {});`,
      `it.skipIf(false)('R004 four', () => {});`,
      'describe("d", () => { it(`R005 ${x} R006`, () => {}); });',
    ].join('\n');
    expect(namedTests(source).map(({ numbers, line }) => [line, ...numbers])).toEqual([
      [1, 'R001'],
      [2, 'R002', 'R003'],
      [3, 'R004'],
      [4, 'R005', 'R006'],
    ]);
  });

  it('counts neither what does not run nor what is no test name', () => {
    const source = [
      `it.skip('R001 one', () => {});`,
      `it.todo('R002 two');`,
      `describe('R003 three', () => {});`,
      `// it('R004 four')`,
      `const text = "it('R005 five')";`,
    ].join('\n');
    expect(namedTests(source)).toEqual([]);
  });
});

describe('comparing the table with the tests', () => {
  it('refuses more than three numbers in one name, and numbers that do not exist', () => {
    const test = { file: 'a.test.ts', line: 7, title: 't' };
    const known = new Set(['R001', 'R002', 'R003', 'R004']);
    expect(nameErrors([{ ...test, numbers: ['R001', 'R002', 'R003'] }], known)).toEqual([]);
    expect(nameErrors([{ ...test, numbers: [...known] }], known)).toHaveLength(1);
    expect(nameErrors([{ ...test, numbers: ['R999'] }], known)[0]).toContain('R999');
  });

  it('finds states that the tests contradict, in both directions, and respects judgements', () => {
    const table = [
      requirement('R001', 'proven'),
      requirement('R002', 'not yet'),
      requirement('R003', 'format'),
      requirement('R004', 'proven'),
    ];
    expect([...staleStates(table, new Set(['R002', 'R003', 'R004']))]).toEqual([
      ['R001', 'not yet'],
      ['R002', 'proven'],
    ]);
  });

  it('refuses a test for something out of scope', () => {
    expect(scopeErrors([requirement('R006', 'out of scope')], new Set(['R006']))).toHaveLength(1);
  });
});

describe('the table of requirements', () => {
  it('holds every number once and in order', () => {
    expect(parseTable(document)).toHaveLength(330);
  });

  it('is refused with a gap, a doubled number, an unknown state or mark', () => {
    const line = /^\| R100 .*$/m.exec(document)?.[0] ?? '';
    expect(line).not.toBe('');
    expect(() => parseTable(document.replace(`${line}\n`, ''))).toThrow('R101 stands where R100 belongs');
    expect(() => parseTable(document.replace(line, `${line}\n${line}`))).toThrow('R101 belongs');
    expect(() => parseTable(document.replace(line, line.replace(/\| [a-z ]+ \|$/, '| done |')))).toThrow(
      'R100',
    );
    expect(() => parseTable(document.replace(line, line.replace('AGENT', 'OOS')))).toThrow('OOS');
  });

  it('changes one state and nothing else', () => {
    const changed = withStates(document, new Map([['R329', 'format']]));
    const differing = changed.split('\n').filter((text, index) => text !== document.split('\n')[index]);
    expect(differing).toHaveLength(1);
    expect(differing[0]).toMatch(/^\| R329 .*\| format \|$/);
  });
});
