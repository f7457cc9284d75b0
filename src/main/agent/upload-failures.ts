import type { ManifestType } from '../../shared/modules.ts';
import { UPLOAD_LIMITS } from '../../shared/wire.ts';
import { toInstant } from '../clock.ts';
import type { Pending } from '../queue/pending-upload.ts';
import { describeFailure, wasEnded, type Failure } from '../uplink/failure.ts';
import { uplinkFailed } from './backoff.ts';
import type { Context } from './context.ts';
import { postpone } from './documents.ts';
import { exchangeFailed } from './failures.ts';
import { statusIntervalSec } from './plan.ts';
import { scorch } from './sync-check.ts';
import { deltaIntervalSec, pendingFacts, type UploadProgress } from './upload-progress.ts';

/** After a 400 one full collection a day is tried (protocol, "Snapshot, delta, integrity"). */
const REFUSED_RETRY_MS = 24 * 3600 * 1000;

/** What a refusal means for the upload (protocol, "Errors"); everything else is the exchange's own business. */
export function uploadFailed(
  context: Context,
  progress: UploadProgress,
  pending: Pending,
  failure: Failure,
): void {
  const { type } = pending;
  if (failure.kind !== 'api') {
    // After silence the platform may hold more than was acknowledged: ask before going on.
    progress.held = undefined;
    failedForNow(context, failure);
    return;
  }
  switch (`${failure.status} ${failure.code}`) {
    case '409 BASE_MISMATCH':
    case '409 INTEGRITY_MISMATCH':
      progress.held = undefined;
      uploadDiffers(context, type, failure.code === 'BASE_MISMATCH' ? 'bases differ' : 'roots differ');
      return;
    case '409 UPLOAD_INCOMPLETE':
      progress.held = undefined;
      context.update({ pending: pendingFacts(pending, afterPause(context)) });
      return;
    case '404 UPLOAD_UNKNOWN':
      reopen(context, progress, pending, pending.chunkBytes);
      return;
    case '403 MODULE_NOT_ACTIVE':
      moduleGone(context, progress, type, failure);
      return;
  }
  if (failure.status === 413 && pending.chunkBytes > UPLOAD_LIMITS.chunkBytesMin) {
    reopen(
      context,
      progress,
      pending,
      Math.max(UPLOAD_LIMITS.chunkBytesMin, Math.floor(pending.chunkBytes / 2)),
    );
  } else if (failure.status === 400 || failure.status === 413) {
    uploadRefused(context, progress, type, failure);
  } else {
    if (failure.status === 403) context.update({ heartbeatWanted: true });
    failedForNow(context, failure);
  }
}

/** When the upload may go on: uploads are tried a delta upload interval apart (C8), whatever the answer was. */
function afterPause(context: Context): number {
  return context.clock.now() + deltaIntervalSec(context.facts()) * 1000;
}

/**
 * Nothing is lost, and the same step is tried again: later than the next exchange of another kind, and ever later while
 * it fails, so that an upload that does not get through neither silences the agent nor spins beside good heartbeats.
 */
function failedForNow(context: Context, failure: Failure): void {
  exchangeFailed(context, failure);
  if (wasEnded(failure)) return;
  const facts = context.facts();
  if (facts.pending === null) return;
  const { failures } = facts.pending;
  const capMs = statusIntervalSec(facts) * 1000;
  const now = context.clock.now();
  const again = uplinkFailed({ failures, nextAt: 0 }, now, context.random.next(), capMs);
  const nextStepAt = Math.max(again.nextAt, facts.uplink.nextAt) + deltaIntervalSec(facts) * 1000;
  context.update({ pending: { ...facts.pending, nextStepAt, failures: again.failures } });
}

/**
 * Both sides arrived at different roots: they start over (R221). Where not even a first snapshot was agreed on, a status
 * interval passes before the next one: two sides that never agree must not keep a host busy.
 */
export function uploadDiffers(context: Context, type: ManifestType, reason: string): void {
  const never = context.facts().types[type]?.seq === 0;
  const pauseMs = never ? statusIntervalSec(context.facts()) * 1000 : 0;
  scorch(context, [type], reason, context.clock.now() + pauseMs);
}

/** The same body as a new upload. */
function reopen(context: Context, progress: UploadProgress, pending: Pending, chunkBytes: number): void {
  progress.held = undefined;
  context.store.snapshots.rechunk(chunkBytes);
  const again = context.store.snapshots.pending() ?? pending;
  context.update({ pending: pendingFacts(again, afterPause(context)) });
}

/** 403: the module is not active any more. The delta and the type go; the next heartbeat says what is. */
function moduleGone(context: Context, progress: UploadProgress, type: ManifestType, failure: Failure): void {
  progress.held = undefined;
  context.log.warn(`${type} upload stopped: ${describeFailure(failure)}`);
  context.forgetType(type);
  context.update({ heartbeatWanted: true });
  postpone(context, type);
}

/** 400: the same body would be refused for ever; it goes, and one full collection a day is tried. */
function uploadRefused(
  context: Context,
  progress: UploadProgress,
  type: ManifestType,
  failure: Failure,
): void {
  progress.held = undefined;
  const notBefore = context.clock.now() + REFUSED_RETRY_MS;
  const reason = describeFailure(failure);
  context.log.error(`${type} upload refused: ${reason}`);
  context.store.snapshots.scorch(type);
  context.update({ pending: null });
  context.updateType(type, {
    seq: 0,
    root: null,
    rows: 0,
    uploadedAt: null,
    cycleEndedAt: null,
    processedAt: null,
    serving: null,
    requested: { reason: 'refused', notBefore },
  });
  context.conditions.raise(
    'UPLOAD_REFUSED',
    context.clock.now(),
    { type, reason, next: toInstant(notBefore) },
    type,
  );
}
