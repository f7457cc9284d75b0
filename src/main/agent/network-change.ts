import { startAfresh } from './backoff.ts';
import type { Facts, PendingFacts } from './facts.ts';

/**
 * What a change of network, of proxies, or waking up changes in the facts: every back-off starts afresh, so that a laptop
 * that comes back is in touch at once and not an hour later. `now` in ms since the epoch.
 */
export function reachAgain(facts: Facts, now: number): Partial<Facts> {
  return {
    provisioning: startAfresh(facts.provisioning),
    uplink: startAfresh(facts.uplink),
    pending: facts.pending === null ? null : pendingAfresh(facts.pending, facts, now),
  };
}

/** An upload that failed is tried again with the next exchange; one that merely paces itself keeps its pace. */
function pendingAfresh(pending: PendingFacts, facts: Facts, now: number): PendingFacts {
  if (pending.failures === 0) return pending;
  const { heldUntil = now } = facts.uplink;
  return { ...pending, failures: 0, nextStepAt: Math.max(now, heldUntil) };
}

/** Whether the pending upload is too large for a metered network and waits for another one. */
export function waitsForUnmetered({ network, pending, meteredLimitBytes }: Facts): boolean {
  return network.metered && pending !== null && pending.encodedBytes > meteredLimitBytes;
}
