import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { FimRuleParams } from '../../src/shared/file-integrity.ts';
import type { FromLedger } from '../../src/collector/fim/ledger/messages.ts';
import { LedgerThread } from '../../src/collector/fim/ledger/thread.ts';

/** What a piece of work cost the process that did it. Memory in MB of 2^20 bytes. */
export interface Measured {
  readonly cpuSeconds: number;
  readonly wallSeconds: number;
  /** Growth of the resident memory over the work, and its highest. */
  readonly grownMb: number;
  readonly peakMb: number;
  readonly entries: number;
}

const MB = 1024 * 1024;

/** Runs `work`, which gives a number of entries, in this process and says what it cost. */
export async function measured(work: () => Promise<number> | number): Promise<Measured> {
  const cpu = process.cpuUsage();
  const rss = process.memoryUsage.rss();
  const begun = performance.now();
  const entries = await work();
  const { user, system } = process.cpuUsage(cpu);
  const peak = process.resourceUsage().maxRSS * 1024;
  return {
    cpuSeconds: (user + system) / 1e6,
    wallSeconds: (performance.now() - begun) / 1000,
    grownMb: (peak - rss) / MB,
    peakMb: peak / MB,
    entries,
  };
}

/**
 * The thread of a ledger on one rule for `tree`, without a limit of CPU. Its program is the bundle beside `file`, as it is
 * installed: stripping types from the source would be a second of the figures.
 */
export function ledgerOn(
  file: string,
  tree: string,
  heard: (message: FromLedger) => void,
  ended: (error: Error | undefined) => void,
): LedgerThread {
  const ledger = new LedgerThread({
    file,
    os: 'linux',
    program: pathToFileURL(join(dirname(file), 'ledger.mjs')),
    onMessage: heard,
    onEnd: ended,
  });
  const rule = { id: 'bench', ...FimRuleParams.parse({ kind: 'directory', path: tree }) };
  ledger.post({ kind: 'rules', rules: [rule], own: [], rescanHours: 24, sharePct: 100 });
  return ledger;
}

/** One walk of `tree` by the ledger in `file`: its first, or one more. Gives the entries that it knows then. */
export function ledgerWalk(file: string, tree: string): Promise<number> {
  return new Promise((resolve, reject) => {
    let entries = 0;
    const begun = Date.now();
    const heard = (message: FromLedger): void => {
      if (message.kind === 'stopped' && message.text !== '') reject(new Error(message.text));
      if (message.kind === 'log' && process.env['WAYFARER_BENCH_LOG'] !== undefined)
        console.log(message.message);
      if (message.kind !== 'baseline' || message.state !== 'complete') return;
      if ((message.completedAt ?? 0) < begun) return;
      entries = message.entries;
      ledger.post({ kind: 'stop' });
    };
    const ledger = ledgerOn(file, tree, heard, (error) => {
      if (error === undefined) resolve(entries);
      else reject(error);
    });
  });
}
