/**
 * `npm run docs`: writes the generated parts of the documents, between `<!-- generated: NAME -->` and `<!-- end -->`.
 * The manual page is generated whole.
 *   --check  write nothing; exit code 1 if a part is stale, or if a link to a file of the clone leads nowhere
 */
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import prettier from 'prettier';
import { conditionsTable, exitCodesTable, settingsTable } from './docs/tables.ts';
import { manPage } from './docs/man.ts';
import { brokenLinks } from './docs/links.ts';
import { withGenerated } from './docs/generated.ts';

const ROOT = join(import.meta.dirname, '..');

/** Documents that are generated whole. */
const WHOLE: Readonly<Record<string, () => string>> = { 'docs/man/wayfarerctl.1': manPage };

const PARTS: Readonly<Record<string, () => string>> = {
  conditions: conditionsTable,
  'exit codes': exitCodesTable,
  settings: settingsTable,
};

const { values } = parseArgs({ options: { check: { type: 'boolean' } } });
const documents = [...globSync('*.md', { cwd: ROOT }), ...globSync('docs/**/*.md', { cwd: ROOT })].sort();
const errors: string[] = [];
for (const path of documents) {
  const file = join(ROOT, path);
  const before = readFileSync(file, 'utf8');
  const options = await prettier.resolveConfig(file);
  const after = before.includes('<!-- generated:')
    ? await prettier.format(withGenerated(before, PARTS), { ...options, parser: 'markdown' })
    : before;
  if (after !== before && !values.check) writeFileSync(file, after);
  if (after !== before && values.check) errors.push(`${path}: a generated part is stale; run "npm run docs"`);
  for (const link of brokenLinks(after, (target) => existsSync(join(dirname(file), target)))) {
    errors.push(`${path}: the link to ${link} leads nowhere`);
  }
}
for (const [path, make] of Object.entries(WHOLE)) {
  const file = join(ROOT, path);
  const before = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const after = make();
  if (after === before) continue;
  if (values.check) errors.push(`${path} is stale; run "npm run docs"`);
  else {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, after);
  }
}
for (const error of errors) console.error(error);
process.exitCode = errors.length > 0 ? 1 : 0;
