import { randomUUID } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import { z } from 'zod';
import { Ledger } from './ledger.ts';
import type { FromLedger, ToLedger } from './messages.ts';

/*
 * Entry of the thread that owns the ledger: `workerData` is `LedgerData`, messages are those of `messages.ts`. Ends after
 * `stop`.
 */

const LedgerData = z.object({
  /** Path of the database file. */
  file: z.string().min(1),
  os: z.enum(['linux', 'win32', 'darwin']),
});

/** Immediately means after messages that have arrived: `setImmediate` lets them in between. */
function schedule(ms: number, call: () => void): () => void {
  if (ms < 1) {
    const immediate = setImmediate(call);
    return () => {
      clearImmediate(immediate);
    };
  }
  const timer = setTimeout(call, ms);
  return () => {
    clearTimeout(timer);
  };
}

function run(port: NonNullable<typeof parentPort>): void {
  const { file, os } = LedgerData.parse(workerData);
  const ledger = new Ledger({
    file,
    os,
    now: () => Date.now(),
    elapsed: () => performance.now(),
    newId: randomUUID,
    schedule,
    post: (message: FromLedger) => {
      port.postMessage(message);
    },
  });
  port.on('message', (message: ToLedger) => {
    if (message.kind === 'ping') {
      port.postMessage({ kind: 'pong' } satisfies FromLedger);
      return;
    }
    ledger.receive(message);
    if (message.kind === 'stop') port.close();
  });
}

if (parentPort === null) throw new Error('the ledger runs in a thread of its own');
run(parentPort);
