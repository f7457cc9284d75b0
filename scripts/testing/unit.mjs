/** Unit tests, on both versions of Node. Built-ins only. */
import { add, skipped } from './result.mjs';
import { runProject } from './vitest.mjs';
import { findNode22, requireNode24 } from '../runtime.mjs';

/** The rooms that also run on Node 22 (docs/decisions/0001-runtime.md). */
const ON_NODE_22 = ['src/shared/', 'src/wire/', 'src/collector/', 'src/main/'];

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

/** Runs them on Node 24 and then on Node 22, and returns the sum. */
export async function unit() {
  console.log('  unit tests on Node 24');
  const result = await runProject({ node: requireNode24(), project: 'unit', report: 'unit' });
  return add(result, await unitOnNode22());
}
