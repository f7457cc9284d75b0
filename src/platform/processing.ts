import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Context } from './context.ts';
import { reasonOf } from './errors.ts';
import type { Advisories } from './correlation/advisories.ts';
import { correlate } from './correlation/correlate.ts';
import { createRetries } from './retries.ts';
import type { SnapshotHead } from './store/snapshots.ts';

/**
 * Works through committed snapshots, one at a time (R023: nothing is looked at before its transfer is complete).
 * What is waiting is what the database says is unprocessed, so a crash forgets nothing and repeats nothing: findings,
 * activity and the mark are written in one transaction. After
 * the advisories changed every host is looked at again in the same way, though nothing on it did. What fails is tried
 * again, later and later.
 */
export interface Processor {
  /** Says that something was committed; returns at once. */
  readonly wake: () => void;
  /** Resolves when nothing is waiting any more. */
  readonly idle: () => Promise<void>;
  /** Stops after the snapshot in work. */
  readonly stop: () => Promise<void>;
}

export function createProcessor(context: Context, advisories: Advisories): Processor {
  const retries = createRetries(context);
  let running: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  /** Looks at everything that is due once; whether there was any. */
  const pass = async (): Promise<boolean> => {
    const { snapshots } = context.store;
    const waiting = [...snapshots.unprocessed(), ...snapshots.outdated('Vulnerability', advisories.hash)];
    const due = waiting.filter((head) => retries.isDue(head));
    for (const head of due) {
      // Between two of them requests are answered; the answer to a commit leaves before the work on it begins.
      await nextTurn();
      if (stopped) return false;
      try {
        process(context, head, advisories);
        retries.succeeded(head);
      } catch (error) {
        retries.failed(head, reasonOf(error));
      }
    }
    return due.length > 0;
  };
  const work = async (): Promise<void> => {
    await nextTurn();
    try {
      while (!stopped && (await pass()));
    } catch (error) {
      context.log('error', `processing stopped until the next commit: ${reasonOf(error)}`);
    }
  };
  const wake = (): void => {
    if (stopped || running !== undefined) return;
    clearTimeout(timer);
    running = work().finally(() => {
      running = undefined;
      const waitMs = retries.waitMs();
      if (!stopped && waitMs !== undefined) timer = setTimeout(wake, waitMs).unref();
    });
  };
  const idle = async (): Promise<void> => {
    while (running !== undefined) await running;
  };
  return {
    wake,
    idle,
    stop: async () => {
      stopped = true;
      clearTimeout(timer);
      await idle();
    },
  };
}

function process(context: Context, head: SnapshotHead, advisories: Advisories): void {
  const { store } = context;
  const open = store.transaction(() => {
    const current = store.snapshots.head(head.agent, head.type);
    if (current?.id !== head.id || current.seq !== head.seq) return undefined;
    const found = head.type === 'Vulnerability' ? correlate(context, head, advisories) : undefined;
    store.snapshots.markCorrelated(head.id, advisories.hash);
    if (current.processedSeq !== head.seq) {
      store.snapshots.markProcessed(head.id, head.seq, context.now());
    }
    return found;
  });
  if (open !== undefined) context.log('info', `agent ${head.agent}: ${open} open findings`);
}
