import type { BackoffFacts } from './facts.ts';

/** First pause after a refused provisioning, seconds (R094). */
const PROVISION_FIRST_SEC = 60;
/** Each pause is the one before times this (R094). */
const PROVISION_FACTOR = 1.5;
/** Longest pause, seconds (product, "Parameters"). */
const PROVISION_CAP_SEC = 24 * 3600;

/** First pause after a failed exchange, seconds. */
const UPLINK_FIRST_SEC = 5;

export const noBackoff: BackoffFacts = { failures: 0, nextAt: 0 };

/** Pause in ms after the `failures`th failed provisioning in a row (1 = the first): 60 s, 90 s, 135 s, … up to a day (R094). */
export function provisioningPauseMs(failures: number): number {
  const seconds = Math.min(PROVISION_CAP_SEC, PROVISION_FIRST_SEC * PROVISION_FACTOR ** (failures - 1));
  return Math.round(seconds * 1000);
}

/**
 * The back-off after one more failed provisioning, by pauses of at most `capMs`; `retryAfterMs` is what the platform asked
 * for and is never undercut.
 */
export function provisioningFailed(
  before: BackoffFacts,
  now: number,
  retryAfterMs = 0,
  capMs = Number.POSITIVE_INFINITY,
): BackoffFacts {
  const failures = before.failures + 1;
  const pauseMs = Math.min(provisioningPauseMs(failures), capMs);
  return { failures, nextAt: now + Math.max(pauseMs, retryAfterMs) };
}

/**
 * The back-off after one more failed exchange: doubles from 5 s up to `capMs`, with equal jitter (half fixed, half
 * random), so that a fleet does not return in step. `retryAfterMs` is what the platform asked for and is never undercut.
 */
export function uplinkFailed(
  before: BackoffFacts,
  now: number,
  random: number,
  capMs: number,
  retryAfterMs = 0,
): BackoffFacts {
  const failures = before.failures + 1;
  const full = Math.min(capMs, UPLINK_FIRST_SEC * 1000 * 2 ** Math.min(failures - 1, 30));
  const jittered = Math.ceil(full / 2 + (full / 2) * random);
  const nextAt = now + Math.max(jittered, retryAfterMs);
  return retryAfterMs > 0 ? { failures, nextAt, heldUntil: now + retryAfterMs } : { failures, nextAt };
}

/**
 * The back-off on another network or after sleep: what failed there says nothing about here, so the next attempt is made
 * at once, but not before what a platform asked for. Should that one come too early, before there is a name server or a
 * tunnel, the pauses are short again. One failure is left, as nobody has answered yet.
 */
export function startAfresh(before: BackoffFacts): BackoffFacts {
  const { heldUntil = 0 } = before;
  return before.failures === 0 || before.nextAt <= heldUntil
    ? before
    : { ...before, failures: 1, nextAt: heldUntil };
}
