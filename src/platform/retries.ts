import { instant, type Context } from './context.ts';
import type { SnapshotHead } from './store/snapshots.ts';

/** The first pause after a failure, doubled by each further one up to the longest; ms. */
const FIRST_PAUSE_MS = 60_000;
const LONGEST_PAUSE_MS = 3600 * 1000;

interface Failing {
  readonly seq: number;
  readonly attempts: number;
  readonly nextAt: number;
  readonly reason: string;
}

/** When snapshots whose processing failed are tried again. One entry per snapshot, however often it fails. */
export function createRetries(context: Pick<Context, 'now' | 'log'>) {
  const failing = new Map<number, Failing>();
  return {
    /** Whether to look at a snapshot now: a new sequence at once, a failed one after its pause. */
    isDue(head: SnapshotHead): boolean {
      const before = failing.get(head.id);
      return before?.seq !== head.seq || context.now() >= before.nextAt;
    },
    succeeded: (head: SnapshotHead): void => void failing.delete(head.id),
    /** Sets the next attempt; says so once, and again when the reason becomes another one. */
    failed(head: SnapshotHead, reason: string): void {
      const before = failing.get(head.id);
      const attempts = before?.seq === head.seq ? before.attempts + 1 : 1;
      const nextAt = context.now() + Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (attempts - 1));
      failing.set(head.id, { seq: head.seq, attempts, nextAt, reason });
      if (before?.reason === reason) return;
      context.log(
        'error',
        `agent ${head.agent}: processing ${head.type} failed: ${reason}; next attempt at ${instant(nextAt)}`,
      );
    },
    /** Time until the earliest attempt, ms; `undefined` when nothing failed. */
    waitMs(): number | undefined {
      const times = [...failing.values()].map((one) => one.nextAt);
      return times.length === 0 ? undefined : Math.max(1_000, Math.min(...times) - context.now());
    },
  };
}
