/**
 * `npm run bench [-- NAME…]`: runs every measurement in `bench/`, or the named ones, one after another, each in its own
 * process so that none inherits another's memory. Exit code 1 if one failed or a name is unknown.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';

const FOLDER = join(import.meta.dirname, '..', 'bench');

const known = readdirSync(FOLDER)
  .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
  .map((file) => basename(file, '.ts'))
  .sort();
const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !known.includes(name));
if (unknown.length > 0) {
  process.stderr.write(`No such measurement: ${unknown.join(', ')}. There are: ${known.join(', ')}.\n`);
  process.exit(1);
}
let failed = 0;
for (const name of asked.length > 0 ? asked : known) {
  console.log(`\n== ${name}`);
  if (spawnSync(process.execPath, [join(FOLDER, `${name}.ts`)], { stdio: 'inherit' }).status !== 0)
    failed += 1;
}
process.exitCode = failed > 0 ? 1 : 0;
