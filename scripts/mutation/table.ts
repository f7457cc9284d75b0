/** One line of docs/mutation.md. */
export interface MutationRow {
  readonly file: string;
  readonly killed: number;
  readonly survived: number;
  /** Day of the run, `2026-11-21`. */
  readonly measured: string;
}

const ROW = /^\| (src\/\S+) +\| +(\d+) \| +(\d+) \| +[\d.]+ \| (\d{4}-\d\d-\d\d) \|$/gm;
const TABLE = /^\| file .*\n(?:\|.*\n)*/m;

/** Killed of all, in percent. Nothing to kill is 100 %. */
export function score({ killed, survived }: Pick<MutationRow, 'killed' | 'survived'>): number {
  return killed + survived === 0 ? 100 : (100 * killed) / (killed + survived);
}

/** All rows as one. */
export function total(rows: readonly MutationRow[]): Pick<MutationRow, 'killed' | 'survived'> {
  return {
    killed: rows.reduce((sum, { killed }) => sum + killed, 0),
    survived: rows.reduce((sum, { survived }) => sum + survived, 0),
  };
}

/** The rows that a document holds. */
export function parseRows(document: string): MutationRow[] {
  return [...document.matchAll(ROW)].map(([, file = '', killed, survived, measured = '']) => ({
    file,
    killed: Number(killed),
    survived: Number(survived),
    measured,
  }));
}

/** New rows in the place of older ones of the same files, by name; files that are gone from `known` are left out. */
export function mergeRows(
  before: readonly MutationRow[],
  after: readonly MutationRow[],
  exists: (file: string) => boolean,
): MutationRow[] {
  const rows = new Map([...before, ...after].map((row) => [row.file, row]));
  return [...rows.values()].filter(({ file }) => exists(file)).sort((a, b) => (a.file < b.file ? -1 : 1));
}

/** The rows as a Markdown table, the sum last. */
export function formatTable(rows: readonly MutationRow[]): string {
  const cells = [
    ...rows.map((row) => [row.file, row.killed, row.survived, score(row).toFixed(1), row.measured]),
    ['all', total(rows).killed, total(rows).survived, score(total(rows)).toFixed(1), ''],
  ].map((row) => row.map(String));
  const head = ['file', 'killed', 'survived', 'score', 'measured'];
  const widths = head.map((name, n) => Math.max(name.length, ...cells.map((row) => row[n]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, n) => (n === 0 || n === 4 ? cell.padEnd(widths[n] ?? 0) : cell.padStart(widths[n] ?? 0))).join(' | ')} |`;
  const rule = `| ${widths.map((width, n) => (n === 0 || n === 4 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`;
  return [line(head), rule, ...cells.map(line), ''].join('\n');
}

/** The document with its table replaced; throws an `Error` if it has none. */
export function withTable(document: string, rows: readonly MutationRow[]): string {
  if (!TABLE.test(document)) throw new Error('the document holds no table of files');
  return document.replace(TABLE, () => formatTable(rows));
}
