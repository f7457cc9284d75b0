import type { Requirement, State } from './table.ts';
import type { NamedTest } from './test-names.ts';

/** More numbers than this in one name, and the test proves none of them well. */
export const MAX_NUMBERS = 3;

export interface LocatedTest extends NamedTest {
  readonly file: string;
}

/** What is wrong with the names themselves, one line each. */
export function nameErrors(tests: readonly LocatedTest[], known: ReadonlySet<string>): string[] {
  return tests.flatMap(({ file, line, title, numbers }) => {
    const place = `${file}:${line} "${title}"`;
    const unknown = numbers.filter((number) => !known.has(number));
    return [
      ...(numbers.length > MAX_NUMBERS
        ? [`${place} names ${numbers.length} requirements; ${MAX_NUMBERS} at most`]
        : []),
      ...unknown.map((number) => `${place} names ${number}, which does not exist`),
    ];
  });
}

/**
 * The states that the table should say but doesn't. A test makes a number proven; without one it is not. `format` and
 * `out of scope` are judgements that no test name overrules.
 */
export function staleStates(table: readonly Requirement[], named: ReadonlySet<string>): Map<string, State> {
  const stale = new Map<string, State>();
  for (const { number, state } of table) {
    if (state === 'proven' && !named.has(number)) stale.set(number, 'not yet');
    if (state === 'not yet' && named.has(number)) stale.set(number, 'proven');
  }
  return stale;
}

/** Out-of-scope numbers that a test claims to prove: either the mark or the test is wrong. */
export function scopeErrors(table: readonly Requirement[], named: ReadonlySet<string>): string[] {
  return table
    .filter(({ state, number }) => state === 'out of scope' && named.has(number))
    .map(({ number }) => `${number} is out of scope, but a test names it`);
}
