import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Row } from '../../shared/rows.ts';
import { normalRoot } from '../files.ts';
import { Unreadable, type KeyedRow, type ReadContext } from '../table.ts';
import { tableNamed } from '../tables/index.ts';

/** What stands at a path of a laid-out host: text, bytes, a link, an executable. */
type Entry = string | Buffer | { readonly link: string } | { readonly script: string };

/** A host laid out in a temporary folder, removed when the test has finished; returns its root. */
export function layOut(entries: Readonly<Record<string, Entry>> = {}): string {
  const root = normalRoot(mkdtempSync(join(tmpdir(), 'wayfarer-host-')));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  for (const [path, entry] of Object.entries(entries)) place(root, path, entry);
  return root;
}

/** Puts one more entry into a laid-out host. */
export function place(root: string, path: string, entry: Entry): void {
  const target = join(root, path);
  mkdirSync(dirname(target), { recursive: true });
  if (typeof entry === 'string' || Buffer.isBuffer(entry)) writeFileSync(target, entry);
  else if ('link' in entry) symlinkSync(entry.link, target);
  else {
    writeFileSync(target, entry.script);
    chmodSync(target, 0o755);
  }
}

/** A context on a laid-out host with a clock that only sleeping moves. */
export function contextOn(root: string, overrides: Partial<ReadContext> = {}): ReadContext {
  let now = 1_000_000;
  return {
    root,
    os: 'linux',
    signal: new AbortController().signal,
    breathe: () => Promise.resolve(),
    run: (file) => Promise.reject(new Unreadable(`${file}: not installed`)),
    now: () => now,
    sleep: (ms) => {
      now += ms;
      return Promise.resolve();
    },
    ...overrides,
  };
}

/** All rows that a table of this build gives, in reader order. Throws what the reader throws. */
export async function keyedRows(
  table: string,
  context: ReadContext,
  params: unknown = {},
): Promise<KeyedRow[]> {
  const rows = tableNamed(table)?.open(context, params);
  if (rows === undefined) throw new Error(`no table ${table} here`);
  const found: KeyedRow[] = [];
  for await (const row of rows) found.push(row);
  return found;
}

/** As `keyedRows`, the rows alone. */
export async function rowsOf(table: string, context: ReadContext, params: unknown = {}): Promise<Row[]> {
  return (await keyedRows(table, context, params)).map(({ row }) => row);
}
