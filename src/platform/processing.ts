import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Context } from './context.ts';
import { reasonOf } from './errors.ts';
import type { Advisories } from './correlation/advisories.ts';
import { correlate } from './correlation/correlate.ts';
import type { SnapshotHead } from './store/snapshots.ts';

/**
 * Works through committed snapshots, one at a time (R023: nothing is looked at before its transfer is complete).
 * What is waiting is what the database says is unprocessed, so a crash forgets nothing and repeats nothing: findings,
 * activity and the mark are written in one transaction.
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
  let running: Promise<void> | undefined;
  let stopped = false;
  const failed = new Set<string>();

  const work = async (): Promise<void> => {
    for (;;) {
      // The answer to the commit leaves before the work begins.
      await nextTurn();
      if (stopped) return;
      const next = context.store.snapshots.unprocessed().find((head) => !failed.has(nameOf(head)));
      if (next === undefined) return;
      try {
        process(context, next, advisories);
      } catch (error) {
        failed.add(nameOf(next));
        context.log('error', `agent ${next.agent}: processing ${next.type} failed: ${reasonOf(error)}`);
      }
    }
  };
  const wake = (): void => {
    if (stopped || running !== undefined) return;
    running = work().finally(() => {
      running = undefined;
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
      await idle();
    },
  };
}

const nameOf = (head: SnapshotHead): string => `${head.id}:${head.seq}`;

function process(context: Context, head: SnapshotHead, advisories: Advisories): void {
  const { store } = context;
  const open = store.transaction(() => {
    const current = store.snapshots.head(head.agent, head.type);
    if (current?.id !== head.id || current.seq !== head.seq) return undefined;
    const found = head.type === 'Vulnerability' ? correlate(context, head, advisories) : undefined;
    store.snapshots.markProcessed(head.id, head.seq, context.now());
    return found;
  });
  if (open !== undefined) context.log('info', `agent ${head.agent}: ${open} open findings`);
}

/** After the advisories changed: every host is looked at again, though nothing on it did. */
export function recorrelateAll(context: Context, advisories: Advisories): void {
  const { store } = context;
  if ((store.meta.get('advisoryHash') ?? '') === advisories.hash) return;
  store.transaction(() => {
    for (const head of store.snapshots.ofType('Vulnerability')) {
      if (head.processedSeq === head.seq) correlate(context, head, advisories);
    }
    store.meta.set('advisoryHash', advisories.hash);
    store.meta.set('advisoryCount', String(advisories.count));
  });
}
