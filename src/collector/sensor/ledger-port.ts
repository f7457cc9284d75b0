import type { StartTimer } from '../debounce.ts';
import { LedgerThread } from '../fim/ledger/thread.ts';
import type { Os } from '../table.ts';
import type { LedgerEvents, LedgerPort } from './ports.ts';

/** How long the ledger may take to close its file, ms; what is durable stays so. */
const CLOSE_MS = 5_000;

/** The ledger in a thread of its own, over the file at this path. */
export function openLedger(
  { file, os, startTimer }: { file: string; os: Os; startTimer: StartTimer },
  events: LedgerEvents,
): LedgerPort {
  const { promise: gone, resolve: end } = withResolvers();
  const thread = new LedgerThread({
    file,
    os,
    onMessage: events.message,
    onEnd: (error) => {
      end();
      if (error !== undefined) events.ended(error.message);
    },
  });
  return {
    post: (message) => {
      thread.post(message);
    },
    stop: async () => {
      thread.post({ kind: 'stop' });
      const cancel = startTimer(CLOSE_MS, () => void thread.terminate());
      await gone;
      cancel();
    },
  };
}

function withResolvers(): { promise: Promise<void>; resolve: () => void } {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve };
}
