import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import {
  Unreadable,
  type CommandResult,
  type KeyedRow,
  type Os,
  type ReadContext,
  type Reader,
} from '../table.ts';

/** What the commands of a laid-out host answer: text, a whole result, or nothing for one that is not installed. */
export type Answer = string | Buffer | CommandResult | undefined;

export interface SampleHost {
  readonly os: Os;
  /** Host path with forward slashes (`C:/Users/…` on Windows) → content. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  readonly run?: (file: string, args: readonly string[]) => Answer;
}

/** A context over a host laid out for the running test: a temporary tree, recorded commands, a clock that sleeping moves on. */
export function sampleContext({
  os,
  files = {},
  run,
}: SampleHost): ReadContext & { readonly calls: string[] } {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'wayfarer-sample-')));
  onTestFinished(() => {
    rmSync(root, { recursive: true, force: true });
  });
  for (const [path, content] of Object.entries(files)) {
    const target = join(root, os === 'win32' ? path.replace(':', '') : path);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, content);
  }
  const calls: string[] = [];
  let now = 0;
  return {
    root,
    os,
    calls,
    signal: new AbortController().signal,
    breathe: () => Promise.resolve(),
    now: () => now,
    sleep: (ms) => {
      now += ms;
      return Promise.resolve();
    },
    run: (file, args) => {
      calls.push([file, ...args].join(' '));
      const answer = run?.(file, args);
      if (answer === undefined) return Promise.reject(new Unreadable(`${file}: not installed`));
      const text = typeof answer === 'string' || Buffer.isBuffer(answer);
      return Promise.resolve(text ? { exitCode: 0, stdout: Buffer.from(answer), stderr: '' } : answer);
    },
  };
}

/** All rows of a reader. */
export async function rowsOf<P>(reader: Reader<P>, context: ReadContext, params?: P): Promise<KeyedRow[]> {
  const rows: KeyedRow[] = [];
  for await (const row of reader.read(context, params as P)) rows.push(row);
  return rows;
}
