import type { EventStream } from '../../shared/host-events.ts';
import { startAfresh } from './backoff.ts';
import { mapStreams, type Facts, type PendingFacts } from './facts.ts';

type UploadPace = Pick<PendingFacts, 'failures' | 'nextStepAt'>;

/**
 * What a change of network, of proxies, or waking up changes in the facts: every back-off starts afresh, so that a laptop
 * that comes back is in touch at once and not an hour later. `now` in ms since the epoch.
 */
export function reachAgain(facts: Facts, now: number): Partial<Facts> {
  return {
    provisioning: startAfresh(facts.provisioning),
    uplink: startAfresh(facts.uplink),
    pending: facts.pending === null ? null : uploadAfresh(facts.pending, facts, now),
    logs: facts.logs === null ? null : uploadAfresh(facts.logs, facts, now),
    streams: mapStreams(facts.streams, ({ payload, ...rest }) => ({
      ...rest,
      payload: payload === null ? null : uploadAfresh(payload, facts, now),
    })),
  };
}

/** An upload that failed is tried again with the next exchange; one that merely paces itself keeps its pace. */
function uploadAfresh<T extends UploadPace>(upload: T, facts: Facts, now: number): T {
  if (upload.failures === 0) return upload;
  const { heldUntil = now } = facts.uplink;
  return { ...upload, failures: 0, nextStepAt: Math.max(now, heldUntil) };
}

/** Whether the pending upload is too large for a metered network and waits for another one. */
export function waitsForUnmetered({ network, pending, meteredLimitBytes }: Facts): boolean {
  return network.metered && pending !== null && pending.encodedBytes > meteredLimitBytes;
}

/** The same of the archive of logs. */
export function logsWaitForUnmetered({ network, logs, meteredLimitBytes }: Facts): boolean {
  return network.metered && (logs?.terms?.encodedBytes ?? 0) > meteredLimitBytes;
}

/** The same of a payload of events. */
export function payloadWaitsForUnmetered(facts: Facts, stream: EventStream): boolean {
  const { network, streams, meteredLimitBytes } = facts;
  return network.metered && (streams[stream].payload?.terms.encodedBytes ?? 0) > meteredLimitBytes;
}
