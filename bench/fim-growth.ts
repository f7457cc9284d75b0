import { fork } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle } from '../scripts/bundles.ts';
import { CHANGE } from '../src/collector/fim/change.ts';
import type { Examination, FromLedger } from '../src/collector/fim/ledger/messages.ts';
import { ledgerOn, ledgerWalk, measured, type Measured } from './support/ledger-walk.ts';

/*
 * What file integrity costs as work grows: a tree of a thousand files once, ten and a hundred times over, through the first
 * walk, a second one, and as many new files heard of live, until the queue has their events. Each work runs in a process of
 * its own. Run: npm run bench -- fim-growth   (Linux)
 */

const FILES = 1_000;
const SIZES = [1, 10, 100] as const;
const IN_A_DIRECTORY = 200;
const BATCH = 500;
/** Batches that a source gives before the first is done with. */
const AHEAD = 2;
const SELF = fileURLToPath(import.meta.url);

function layOut(tree: string, files: number): void {
  for (let n = 0; n < files; n += 1) {
    const at = join(tree, String(Math.floor(n / IN_A_DIRECTORY)));
    if (n % IN_A_DIRECTORY === 0) mkdirSync(at, { recursive: true });
    writeFileSync(join(at, String(n)), `file ${String(n)} `.repeat(200));
  }
}

/** What a source says of every path of a tree that has just appeared, in its batches. */
function batchesOf(tree: string): Examination[][] {
  const entries = readdirSync(tree, { recursive: true, withFileTypes: true });
  const items = entries.map((entry) => ({
    path: join(entry.parentPath, entry.name),
    what: CHANGE.created,
    directory: entry.isDirectory(),
    at: Date.now(),
    by: {},
    others: [],
    provider: 'bench',
  }));
  return Array.from({ length: Math.ceil(items.length / BATCH) }, (_, n) =>
    items.slice(n * BATCH, (n + 1) * BATCH),
  );
}

/** The whole tree heard of live, until every event of it was handed over: it is away while the ledger first looks. */
function heardLive(file: string, tree: string): Promise<number> {
  renameSync(tree, `${tree}.away`);
  return new Promise((resolve, reject) => {
    let batches: Examination[][] | undefined;
    let [sent, left, events] = [0, 0, 0];
    const next = (): void => {
      const items = batches?.[sent];
      sent += 1;
      if (items !== undefined) ledger.post({ kind: 'examine', batch: sent, items });
    };
    const begin = (): void => {
      renameSync(`${tree}.away`, tree);
      batches = batchesOf(tree);
      left = batches.flat().length;
      for (let n = 0; n < AHEAD; n += 1) next();
    };
    const heard = (message: FromLedger): void => {
      if (message.kind === 'baseline' && message.state === 'complete' && batches === undefined) begin();
      if (message.kind === 'examined') next();
      if (message.kind !== 'events') return;
      events += message.events.length;
      const upTo = message.events.at(-1)?.sequence ?? 1;
      ledger.post({ kind: 'taken', stream: message.stream, chain: message.chain, upTo });
      if (events >= left) ledger.post({ kind: 'stop' });
    };
    const ledger = ledgerOn(file, tree, heard, (error) => {
      if (error === undefined) resolve(events);
      else reject(error);
    });
  });
}

const WORKS: Readonly<Record<string, (file: string, tree: string) => Promise<number>>> = {
  walk: ledgerWalk,
  live: heardLive,
};

function inProcess(work: string, file: string, tree: string): Promise<Measured> {
  return new Promise((resolve, reject) => {
    const child = fork(SELF, [work, file, tree]);
    child.on('message', (message) => {
      resolve(message as Measured);
    });
    child.on('exit', (code) => {
      reject(new Error(`${work} ended with ${String(code)}`));
    });
  });
}

/** The three works on a tree of so many files. */
async function costs(directory: string, files: number): Promise<Readonly<Record<string, Measured>>> {
  const tree = join(directory, 'tree');
  layOut(tree, files);
  const [walked, lived] = [join(directory, 'walked.db'), join(directory, 'lived.db')];
  try {
    const first = await inProcess('walk', walked, tree);
    const second = await inProcess('walk', walked, tree);
    return { 'first walk': first, 'second walk': second, 'heard live': await inProcess('live', lived, tree) };
  } finally {
    for (const path of readdirSync(directory)) {
      if (path !== 'ledger.mjs') rmSync(join(directory, path), { recursive: true });
    }
  }
}

async function main(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'wayfarer-growth-'));
  try {
    await bundle('ledger', directory);
    const table: Record<string, Record<string, string>> = {};
    for (const times of SIZES) {
      for (const [work, cost] of Object.entries(await costs(directory, FILES * times))) {
        const row = (table[work] ??= {});
        row[`${String(times)}x: us CPU each`] = ((cost.cpuSeconds * 1e6) / (FILES * times)).toFixed(0);
        row[`${String(times)}x: peak MB (grown)`] = `${cost.peakMb.toFixed(0)} (${cost.grownMb.toFixed(0)})`;
      }
    }
    console.log(
      `${String(FILES)} files of about 2 KB, 1, 10 and 100 times over; start of the process included`,
    );
    console.table(table);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const work = WORKS[process.argv[2] ?? ''];
if (work === undefined) await main();
else {
  const cost = await measured(() => work(process.argv[3] ?? '', process.argv[4] ?? ''));
  process.send?.(cost, () => {
    process.exit(0);
  });
}
