import type { Profile } from '../../shared/profile.ts';
import { UPLOAD_LIMITS } from '../../shared/wire.ts';
import type { Pending } from '../queue/pending-upload.ts';
import type { Facts, PendingFacts } from './facts.ts';

/** What memory holds of the upload under way: which chunks the platform has. Rebuilt by asking after a restart. */
export interface UploadProgress {
  held: Set<number> | undefined;
}

/** The facts of a pending upload that is about to start or to go on at `nextStepAt`, ms since the epoch. */
export function pendingFacts(pending: Pending, nextStepAt: number, failures = 0): PendingFacts {
  const { type, kind, chunkCount, encodedBytes } = pending;
  return { type, kind, chunkCount, encodedBytes, chunksSent: 0, nextStepAt, failures };
}

/** Seconds from the start of one chunk to the start of the next (R142), as a developer may have shortened them. */
export function deltaIntervalSec(facts: Facts): number {
  return facts.development.deltaUploadIntervalSec ?? facts.profile.deltaUploadIntervalSec;
}

/** Longest that one chunk may take under the network throttle, s: no server waits for ever for a request. */
const CHUNK_SEC = 120;

/**
 * Bytes per chunk under a profile: its chunk size, or what its network throttle lets through in two minutes if that is
 * less, never below 64 KB (R143, R145).
 */
export function chunkBytesOf({ chunkSizeKb, networkThrottleTxKbps }: Profile): number {
  const whole = chunkSizeKb * 1024;
  if (networkThrottleTxKbps === 0) return whole;
  return Math.max(UPLOAD_LIMITS.chunkBytesMin, Math.min(whole, networkThrottleTxKbps * 1024 * CHUNK_SEC));
}

/** The lowest chunk number that the platform does not hold, `undefined` when it holds all (protocol: resume there). */
export function firstMissing(held: ReadonlySet<number>, chunkCount: number): number | undefined {
  for (let n = 0; n < chunkCount; n += 1) if (!held.has(n)) return n;
  return undefined;
}
