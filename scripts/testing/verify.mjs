/** The checks of `npm run verify`. Built-ins only. */
import { capture } from './command.mjs';
import { add, emptyResult, failed, passed, skipped } from './result.mjs';
import { runProject } from './vitest.mjs';
import { findNode22, requireNode24 } from '../runtime.mjs';

/** Each counts as one test, in the order in which they start: the longest first. The arguments follow Node 24. */
const TOOLS = [
  { name: 'lint', args: ['node_modules/eslint/bin/eslint.js', '--max-warnings', '0', '.'] },
  { name: 'format', fix: 'npm run format', args: ['node_modules/prettier/bin/prettier.cjs', '--check', '.'] },
  { name: 'types', args: ['node_modules/typescript/bin/tsc', '-p', '.'] },
  {
    name: 'rooms',
    args: [
      'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs',
      ...['--config', 'dependency-cruiser.config.ts', '--output-type', 'err-long'],
      ...['src', 'test', 'bench', 'scripts'],
    ],
  },
  { name: 'unused', args: ['node_modules/knip/bin/knip.js', '--no-progress'] },
  { name: 'docs', fix: 'npm run docs', args: ['scripts/docs.ts', '--check'] },
  {
    name: 'requirements',
    fix: 'npm run requirements -- --fix',
    args: ['scripts/requirements.ts', '--check'],
  },
];

/** The rooms that also run on Node 22 (docs/decisions/0001-runtime.md). */
const ON_NODE_22 = ['src/shared/', 'src/wire/', 'src/collector/', 'src/main/'];

async function runTool({ name, args, fix }) {
  const started = Date.now();
  const { code, output } = await capture(requireNode24(), args);
  const ms = Date.now() - started;
  console.log(`  ${code === 0 ? 'ok    ' : 'FAILED'} ${name} (${(ms / 1000).toFixed(1)} s)`);
  if (code === 0) return passed();
  console.log(`\n${output.trimEnd()}\n`);
  if (fix !== undefined) console.log(`  "${fix}" may repair this.\n`);
  return failed(`verify: ${name}`);
}

/** Each of them uses one core, so two take half the time. */
const AT_A_TIME = 2;

async function runTools() {
  const waiting = TOOLS.values();
  let result = emptyResult();
  const work = async () => {
    for (const tool of waiting) {
      const outcome = await runTool(tool);
      result = add(result, outcome);
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, work));
  return result;
}

async function unitOnNode22() {
  const node = findNode22();
  if (node === undefined) {
    return skipped(
      1,
      `unit tests on Node 22: npm has no packaged one for ${process.platform}-${process.arch}`,
    );
  }
  console.log('\n  unit tests on Node 22');
  return runProject({ node, project: 'unit', report: 'unit-node22', filters: ON_NODE_22 });
}

/** Runs every check, also after one has failed, and returns the sum. */
export async function verify() {
  let result = await runTools();
  console.log('\n  unit tests on Node 24');
  result = add(result, await runProject({ node: requireNode24(), project: 'unit', report: 'unit' }));
  return add(result, await unitOnNode22());
}
