import type { Clock } from '../../clock.ts';
import { Timer } from '../network/timer.ts';
import type { ScanKeys } from './scan-keys.ts';

/** How long after a sign of change the keys are read, ms: a shell empties a file before it writes it. */
export const DEBOUNCE_MS = 200;

/** How often they are read without a sign, ms: for whatever a watch misses (a folder replaced, no watch left). */
export const POLL_MS = 30_000;

/** Something that tells early that keys may have changed. Neither function throws. */
export interface Signs {
  /** Listens to all that is there by now; called before each look. */
  readonly listen: (changed: () => void) => void;
  readonly end: () => void;
}

/**
 * Calls back for each change of what `read` gives: soon after a sign, at the latest with the next poll. Returns what
 * ends it.
 */
export function watchKeys(
  clock: Clock,
  read: ScanKeys['read'],
  signs: Signs,
  changed: () => void,
): () => void {
  const soon = new Timer(clock);
  const poll = new Timer(clock);
  const content = (): string => {
    const { keys, problems } = read();
    return JSON.stringify([[...keys], problems]);
  };
  const look = (): void => {
    signs.listen(sign);
    const now = content();
    if (now === known) return;
    known = now;
    changed();
  };
  // Put off once only, so that a file that is written without end can't hold the look up.
  const sign = (): void => {
    if (!soon.pending) soon.set(DEBOUNCE_MS, look);
  };
  const pollOn = (): void => {
    poll.set(POLL_MS, () => {
      look();
      pollOn();
    });
  };
  signs.listen(sign);
  let known = content();
  pollOn();
  return () => {
    soon.cancel();
    poll.cancel();
    signs.end();
  };
}
