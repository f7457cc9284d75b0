import { LedgerThread } from '../../src/collector/fim/ledger/thread.ts';
import type { FromLedger, ToLedger } from '../../src/collector/fim/ledger/messages.ts';
import type { Os } from '../../src/collector/table.ts';

/*
 * A process that has nothing but the thread of a ledger, to be killed: `argv[2]` is its file. Passes messages on, both ways.
 */

const thread = new LedgerThread({
  file: process.argv[2] ?? '',
  os: process.platform as Os,
  onMessage: (message: FromLedger) => {
    process.send?.(message);
  },
  onEnd: (error) => {
    if (error !== undefined) process.stderr.write(`${error.stack ?? error.message}\n`);
    process.exit(error === undefined ? 0 : 1);
  },
});
process.on('message', (message) => {
  thread.post(message as ToLedger);
});
process.on('disconnect', () => {
  process.exit(0);
});
