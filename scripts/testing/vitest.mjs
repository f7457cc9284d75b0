/** Running vitest projects and reading their counts from the JSON report. Built-ins only. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { ROOT, run } from '../runtime.mjs';
import { emptyResult, failed } from './result.mjs';

const REPORTS = join(ROOT, 'reports');
const VITEST = join(ROOT, 'node_modules', 'vitest', 'vitest.mjs');

/** Test files below a folder of the clone, relative to its root. */
export function testFiles(folder) {
  const start = join(ROOT, folder);
  if (!existsSync(start)) return [];
  return readdirSync(start, { recursive: true })
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => join(folder, name));
}

/** Counts and names from a JSON report; a file that fails before its first test counts as one failure. */
function readReport(file) {
  const result = emptyResult();
  for (const { name, status, assertionResults } of JSON.parse(readFileSync(file, 'utf8')).testResults) {
    const path = relative(ROOT, name);
    if (status === 'failed' && !assertionResults.some((test) => test.status === 'failed')) {
      result.failed += 1;
      result.failures.push(path);
    }
    for (const test of assertionResults) {
      if (test.status === 'passed') result.passed += 1;
      else if (test.status === 'failed') {
        result.failed += 1;
        result.failures.push(`${path}: ${test.fullName}`);
      } else {
        result.skipped += 1;
        result.notes.push(`${path}: ${test.fullName}`);
      }
    }
  }
  return result;
}

/**
 * Runs one vitest project under the given Node and returns its result. Progress and failures go to this terminal.
 * `filters` narrow it to files whose path contains one of them.
 */
export async function runProject({ node, project, report, filters = [] }) {
  mkdirSync(REPORTS, { recursive: true });
  const file = join(REPORTS, `${report}.json`);
  rmSync(file, { force: true });
  const code = await run(
    node,
    [
      VITEST,
      'run',
      '--project',
      project,
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${file}`,
      ...filters,
    ],
    { cwd: ROOT },
  );
  if (!existsSync(file)) return failed(`${report}: vitest ended with exit code ${code} and left no report`);
  const result = readReport(file);
  if (code !== 0 && result.failed === 0) {
    return { ...result, failed: 1, failures: [`${report}: vitest ended with exit code ${code}; see above`] };
  }
  return result;
}
