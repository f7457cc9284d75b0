/** What tools find in the sources without running them. Built-ins only. */
import { capture } from './command.mjs';
import { add, emptyResult, failed, passed } from './result.mjs';
import { requireNode24 } from '../runtime.mjs';

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

async function runTool({ name, args, fix }, say) {
  const started = Date.now();
  const { code, output } = await capture(requireNode24(), args);
  const ms = Date.now() - started;
  say(`  ${code === 0 ? 'ok    ' : 'FAILED'} ${name} (${(ms / 1000).toFixed(1)} s)`);
  if (code === 0) return passed();
  say(`\n${output.trimEnd()}\n`);
  if (fix !== undefined) say(`  "${fix}" may repair this.\n`);
  return failed(`checks: ${name}`);
}

/** Each of them uses one core, so two take half the time. */
const AT_A_TIME = 2;

/**
 * Runs every tool, also after one has failed, and returns the sum. They give way to whatever else runs: integration tests wait
 * more than they work, and the tools have what is left. `say` is called with what there is to print.
 */
export async function checks(say) {
  const waiting = TOOLS.values();
  let result = emptyResult();
  const work = async () => {
    for (const tool of waiting) {
      const outcome = await runTool(tool, say);
      result = add(result, outcome);
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, work));
  return result;
}
