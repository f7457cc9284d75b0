/**
 * `npm test`: sets up what is missing, runs the suites, ends with a table and the counts. Built-ins only, Node ≥ 20.
 * Exit code 0 if nothing failed, 1 if something did, 2 for an unknown argument.
 */
import { parseArgs } from 'node:util';
import { ensureInstalled } from './ensure-installed.mjs';
import { add, countsLine, emptyResult, table } from './testing/result.mjs';
import { checks } from './testing/checks.mjs';
import { CHECKS, GROUPS, SUITES } from './testing/suites.mjs';

const HELP = `Runs the tests of Wayfarer.

  npm test                     ${GROUPS.everyday.join(', ')}
  npm test -- --suite NAME     one of: ${[...Object.keys(GROUPS), CHECKS, ...Object.keys(SUITES)].join(', ')}; may be repeated
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
  const known = [CHECKS, ...Object.keys(SUITES)];
  for (const name of names) if (!known.includes(name)) usage(`There is no suite "${name}".`);
  return names;
}

async function timed(name, work) {
  const started = Date.now();
  const result = await work();
  return { name, result, ms: Date.now() - started };
}

/** Runs the checks meanwhile; what they say is shown in one piece, once they are over and nothing else runs. */
function startChecks() {
  const said = [];
  const running = timed(CHECKS, () => checks((line) => said.push(line)));
  return async () => {
    console.log(`\n== ${CHECKS}`);
    const suite = await running;
    for (const line of said) console.log(line);
    return suite;
  };
}

async function runSuites(names) {
  const checked = names.includes(CHECKS) ? startChecks() : undefined;
  const suites = [];
  for (const name of names.filter((name) => name !== CHECKS)) {
    console.log(`\n== ${name}`);
    suites.push(await timed(name, SUITES[name]));
  }
  return checked === undefined ? suites : [await checked(), ...suites];
}

function list(title, lines) {
  if (lines.length > 0) console.log(`\n${title}\n${lines.map((line) => `  ${line}`).join('\n')}`);
}

const names = readArguments();
await ensureInstalled();
const suites = await runSuites(names);
const total = suites.reduce((sum, suite) => add(sum, suite.result), emptyResult());
list('Skipped:', total.notes);
list('Failed:', total.failures);
console.log(`\n${table(suites)}\n\n${countsLine(total)}`);
process.exitCode = total.failed > 0 ? 1 : 0;
