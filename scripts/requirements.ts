/**
 * `npm run requirements`: which numbers of docs/requirements.md are named in tests and which are not, per mark.
 *   --check  only say what is wrong; exit code 1 if the table and the tests disagree
 *   --fix    write the states `proven` and `not yet` as the tests have them
 */
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { nameErrors, scopeErrors, staleStates, type LocatedTest } from './requirements/compare.ts';
import { MARKS, parseTable, withStates, type Requirement } from './requirements/table.ts';
import { namedTests } from './requirements/test-names.ts';

const ROOT = join(import.meta.dirname, '..');
const DOCUMENT = join(ROOT, 'docs', 'requirements.md');

/** The tests about this very script name requirements only as examples. */
const NOT_COUNTED = 'test/house/';

function collect(): LocatedTest[] {
  return globSync('{src,test}/**/*.test.ts', { cwd: ROOT })
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => !file.startsWith(NOT_COUNTED))
    .sort()
    .flatMap((file) => namedTests(readFileSync(join(ROOT, file), 'utf8')).map((test) => ({ ...test, file })));
}

function printCoverage(table: readonly Requirement[], named: ReadonlySet<string>): void {
  for (const mark of MARKS) {
    const all = table.filter((requirement) => requirement.mark === mark).map(({ number }) => number);
    const missing = all.filter((number) => !named.has(number));
    console.log(`${mark}: ${all.length - missing.length} of ${all.length} named in tests`);
    if (missing.length > 0 && mark !== 'OOS') console.log(`  not named: ${missing.join(' ')}`);
  }
}

const { values } = parseArgs({ options: { check: { type: 'boolean' }, fix: { type: 'boolean' } } });
const document = readFileSync(DOCUMENT, 'utf8');
const table = parseTable(document);
const tests = collect();
const named = new Set(tests.flatMap(({ numbers }) => numbers));
const stale = staleStates(table, named);
if (values.fix) writeFileSync(DOCUMENT, withStates(document, stale));
const errors = [
  ...nameErrors(tests, new Set(table.map(({ number }) => number))),
  ...scopeErrors(table, named),
  ...(values.fix
    ? []
    : [...stale].map(([number, state]) => `${number} should be "${state}" in docs/requirements.md`)),
];
if (!values.check) printCoverage(table, named);
for (const error of errors) console.error(error);
if (stale.size > 0 && !values.fix) console.error('"npm run requirements -- --fix" writes the states.');
process.exitCode = errors.length > 0 ? 1 : 0;
