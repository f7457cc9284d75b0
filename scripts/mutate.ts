/**
 * `npm run mutate [-- GROUP…]`: changes the sources of each group in every small way and sees whether a test notices.
 *   --mutate FILE  only this file (or lines: FILE:10-20) of its group; may be given again
 *   --dry          say the groups and their files, run nothing
 * Writes the figures into docs/mutation.md, prints the survivors, and ends with 1 below 90 % of all that was measured.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, matchesGlob } from 'node:path';
import { parseArgs } from 'node:util';
import { GROUPS, type MutationGroup } from './mutation/groups.ts';
import { readReport, type FileScore } from './mutation/report.ts';
import { formatTable, mergeRows, parseRows, score, total, withTable } from './mutation/table.ts';

const ROOT = join(import.meta.dirname, '..');
const DOCUMENT = join(ROOT, 'docs', 'mutation.md');
const REPORT = join(ROOT, 'reports', 'mutation.json');
const STRYKER = join(ROOT, 'node_modules', '@stryker-mutator', 'core', 'bin', 'stryker.js');
const GOAL = 90;

/** Runs Stryker over a group, or over a part of it. `undefined` if it gave no figures. */
function measure(group: MutationGroup, mutate: readonly string[]): FileScore[] | undefined {
  rmSync(REPORT, { force: true });
  spawnSync(process.execPath, [STRYKER, 'run'], {
    cwd: ROOT,
    env: {
      ...process.env,
      MUTATION_FILES: JSON.stringify(mutate),
      MUTATION_TESTS: JSON.stringify(group.tests),
    },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  return existsSync(REPORT) ? readReport(readFileSync(REPORT, 'utf8')) : undefined;
}

const belongs = (file: string, group: MutationGroup): boolean =>
  group.mutate.some((glob) => matchesGlob(file.replace(/:.*$/, ''), glob));

function noteFigures(scores: readonly FileScore[]): void {
  const measured = new Date(Date.now()).toISOString().slice(0, 10);
  const fresh = scores.map(({ file, killed, survivors }) => ({
    file,
    killed,
    survived: survivors.length,
    measured,
  }));
  const document = readFileSync(DOCUMENT, 'utf8');
  const rows = mergeRows(parseRows(document), fresh, (file) => existsSync(join(ROOT, file)));
  writeFileSync(DOCUMENT, withTable(document, rows));
}

/** One line per change that no test noticed. */
function printSurvivors(scores: readonly FileScore[]): void {
  for (const { file, survivors } of scores) {
    for (const { line, column, mutator, replacement } of survivors) {
      console.log(`${file}:${line}:${column} ${mutator} → ${replacement}`);
    }
  }
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { mutate: { type: 'string', multiple: true }, dry: { type: 'boolean' } },
});
const parts = values.mutate ?? [];
const unknown = positionals.filter((name) => !GROUPS.some((group) => group.name === name));
const named = GROUPS.filter(({ name }) => positionals.includes(name));
const chosen = (positionals.length === 0 ? GROUPS : named).filter(
  (group) => parts.length === 0 || parts.some((file) => belongs(file, group)),
);
const failed: string[] = [];
const scores: FileScore[] = [];
for (const group of chosen) {
  const own = parts.filter((file) => belongs(file, group));
  const mutate = own.length === 0 ? group.mutate : own;
  console.log(`${group.name}: ${mutate.join(' ')}`);
  if (values.dry) continue;
  const measured = measure(group, mutate);
  if (measured === undefined) failed.push(group.name);
  else if (!mutate.some((file) => /:\d/.test(file))) noteFigures(measured); // part of a file says nothing of the file
  printSurvivors(measured ?? []);
  scores.push(...(measured ?? []));
}
const rows = scores.map(({ file, killed, survivors }) => ({
  file,
  killed,
  survived: survivors.length,
  measured: '',
}));
if (!values.dry) console.log(`\n${formatTable(rows)}`);
for (const name of failed) console.error(`${name}: no figures`);
if (unknown.length > 0 || chosen.length === 0)
  console.error(`groups: ${GROUPS.map(({ name }) => name).join(' ')}`);
process.exitCode =
  unknown.length > 0 || chosen.length === 0 || failed.length > 0 || score(total(rows)) < GOAL ? 1 : 0;
