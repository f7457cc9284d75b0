/**
 * What a suite came to: counts of tests, the names of what failed, and notes on what was left out and why.
 *
 * @typedef {{ passed: number, failed: number, skipped: number, failures: string[], notes: string[] }} Result
 */

/** @returns {Result} */
export function emptyResult() {
  return { passed: 0, failed: 0, skipped: 0, failures: [], notes: [] };
}

/** @returns {Result} */
export function passed() {
  return { ...emptyResult(), passed: 1 };
}

/** @param {string} name @returns {Result} */
export function failed(name) {
  return { ...emptyResult(), failed: 1, failures: [name] };
}

/** @param {number} count @param {string} reason @returns {Result} */
export function skipped(count, reason) {
  return { ...emptyResult(), skipped: count, notes: [reason] };
}

/** @param {Result} a @param {Result} b @returns {Result} */
export function add(a, b) {
  return {
    passed: a.passed + b.passed,
    failed: a.failed + b.failed,
    skipped: a.skipped + b.skipped,
    failures: [...a.failures, ...b.failures],
    notes: [...a.notes, ...b.notes],
  };
}

/** The line every run ends with. */
export function countsLine({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

function seconds(ms) {
  return `${(ms / 1000).toFixed(1)} s`;
}

/** A table with one line a suite. @param {{ name: string, result: Result, ms: number }[]} suites */
export function table(suites) {
  const rows = suites.map(({ name, result, ms }) => [
    name,
    String(result.passed),
    String(result.failed),
    String(result.skipped),
    seconds(ms),
  ]);
  const all = [['suite', 'passed', 'failed', 'skipped', 'time'], ...rows];
  const widths = all[0].map((_, column) => Math.max(...all.map((row) => row[column].length)));
  return all
    .map((row) =>
      row
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]) : cell.padStart(widths[column])))
        .join('  '),
    )
    .join('\n');
}
