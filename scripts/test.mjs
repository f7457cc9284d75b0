/**
 * `npm test`: sets up what is missing, runs the suites, ends with a table and the counts. Built-ins only, Node ≥ 20.
 * Exit code 0 if nothing failed, 1 if something did, 2 for an unknown argument.
 */
import { parseArgs } from 'node:util';
import { ensureInstalled } from './ensure-installed.mjs';
import { add, countsLine, emptyResult, table } from './testing/result.mjs';
import { GROUPS, SUITES } from './testing/suites.mjs';

const HELP = `Runs the tests of Wayfarer.

  npm test                     ${GROUPS.everyday.join(', ')}
  npm test -- --suite NAME     one of: ${[...Object.keys(GROUPS), ...Object.keys(SUITES)].join(', ')}; may be repeated
  npm run verify               format, types, lint, rooms, unused code, docs, requirements, unit tests
  npm run test:packaging       ${GROUPS.packaging.join(', ')}
  npm run test:long            the long ones
`;

function usage(message) {
  process.stderr.write(`${message}\n\n${HELP}`);
  process.exit(2);
}

function readArguments() {
  const options = { suite: { type: 'string', multiple: true }, help: { type: 'boolean', short: 'h' } };
  let values;
  try {
    ({ values } = parseArgs({ options }));
  } catch (error) {
    usage(error.message);
  }
  if (values.help) {
    process.stdout.write(HELP);
    process.exit(0);
  }
  const names = (values.suite ?? ['everyday']).flatMap((name) => GROUPS[name] ?? [name]);
  for (const name of names) if (!Object.hasOwn(SUITES, name)) usage(`There is no suite "${name}".`);
  return names;
}

async function runSuite(name) {
  console.log(`\n== ${name}`);
  const started = Date.now();
  const result = await SUITES[name]();
  return { name, result, ms: Date.now() - started };
}

function list(title, lines) {
  if (lines.length > 0) console.log(`\n${title}\n${lines.map((line) => `  ${line}`).join('\n')}`);
}

const names = readArguments();
await ensureInstalled();
const suites = [];
for (const name of names) suites.push(await runSuite(name));
const total = suites.reduce((sum, suite) => add(sum, suite.result), emptyResult());
list('Skipped:', total.notes);
list('Failed:', total.failures);
console.log(`\n${table(suites)}\n\n${countsLine(total)}`);
process.exitCode = total.failed > 0 ? 1 : 0;
