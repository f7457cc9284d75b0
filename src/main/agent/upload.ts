import type { ManifestType } from '../../shared/modules.ts';
import { UPLOAD_LIMITS, type CommitReply, type UploadState } from '../../shared/wire.ts';
import { toInstant } from '../clock.ts';
import type { Pending } from '../queue/pending-upload.ts';
import type { Failure } from '../uplink/failure.ts';
import { describeFailure } from '../uplink/failure.ts';
import type { Apply, Context } from './context.ts';
import type { PendingFacts } from './facts.ts';
import { exchangeFailed, exchangeWorked } from './failures.ts';
import { drawSpread } from './heartbeat.ts';
import { recordActivity } from './records.ts';
import { cycleEnd } from './schedule.ts';
import { scorch } from './sync-check.ts';

/** After a 400 one full collection a day is tried (protocol, "Snapshot, delta, integrity"). */
const REFUSED_RETRY_MS = 24 * 3600 * 1000;

/** What memory holds of the upload under way: which chunks the platform has. Rebuilt by asking after a restart. */
export interface UploadProgress {
  held: Set<number> | undefined;
}

/** The facts of a pending upload that is about to start or to go on. */
export function pendingFacts(pending: Pending, now: number): PendingFacts {
  const { type, kind, chunkCount, encodedBytes } = pending;
  return { type, kind, chunkCount, encodedBytes, chunksSent: 0, nextStepAt: now };
}

/**
 * Takes the pending upload one step further: open it, or ask what the platform holds of it after a restart, or send the
 * first missing chunk, or commit. Each step is one exchange, so that heartbeats come in between.
 */
export async function uploadStep(context: Context, progress: UploadProgress): Promise<Apply> {
  const pending = context.store.snapshots.pending();
  if (pending === undefined) {
    return () => {
      context.update({ pending: null });
    };
  }
  if (pending.uploadId === undefined) return openUpload(context, progress, pending);
  if (progress.held === undefined) return askState(context, progress, pending, pending.uploadId);
  const missing = firstMissing(progress.held, pending.chunkCount);
  if (missing !== undefined) return sendChunk(context, progress, pending, pending.uploadId, missing);
  return commit(context, progress, pending, pending.uploadId);
}

/** The lowest chunk number that the platform does not hold, `undefined` when it holds all (protocol: resume there). */
export function firstMissing(held: ReadonlySet<number>, chunkCount: number): number | undefined {
  for (let n = 0; n < chunkCount; n += 1) if (!held.has(n)) return n;
  return undefined;
}

async function openUpload(context: Context, progress: UploadProgress, pending: Pending): Promise<Apply> {
  const { kind, type, baseSeq, baseRoot, newSeq, newRoot, encoding, chunkBytes, chunkCount } = pending;
  const { encodedBytes, rawBytes, digest } = pending;
  const result = await context.platform.openUpload(
    {
      kind,
      type,
      ...(kind === 'delta' && { baseSeq, baseRoot }),
      newSeq,
      newRoot,
      encoding,
      chunkBytes,
      chunkCount,
      encodedBytes,
      rawBytes,
      digest,
    },
    pending.idempotencyKey,
  );
  return () => {
    if (result.ok) {
      exchangeWorked(context);
      context.store.snapshots.setUpload(result.value.uploadId);
      takeState(context, progress, pending, result.value);
    } else uploadFailed(context, progress, pending, result.failure);
  };
}

async function askState(
  context: Context,
  progress: UploadProgress,
  pending: Pending,
  uploadId: string,
): Promise<Apply> {
  const result = await context.platform.uploadState(uploadId);
  return () => {
    if (result.ok) {
      exchangeWorked(context);
      takeState(context, progress, pending, result.value);
    } else uploadFailed(context, progress, pending, result.failure);
  };
}

/** What the platform holds: nothing is sent twice, and a commit whose answer was lost is not repeated. */
function takeState(context: Context, progress: UploadProgress, pending: Pending, state: UploadState): void {
  if (state.state === 'committed' && state.result !== undefined) {
    committed(context, progress, pending, state.result);
    return;
  }
  progress.held = new Set(state.held.filter((n) => n < pending.chunkCount));
  const facts = context.facts().pending;
  if (facts !== null) context.update({ pending: { ...facts, chunksSent: progress.held.size } });
}

async function sendChunk(
  context: Context,
  progress: UploadProgress,
  pending: Pending,
  uploadId: string,
  n: number,
): Promise<Apply> {
  const startedAt = context.clock.now();
  const bytes = context.store.snapshots.chunk(n);
  const result = await context.platform.putChunk(uploadId, n, bytes);
  return () => {
    if (!result.ok) {
      uploadFailed(context, progress, pending, result.failure);
      return;
    }
    exchangeWorked(context);
    const held = progress.held ?? new Set();
    held.add(n);
    const { type, chunkCount } = pending;
    context.countSent(bytes.length);
    context.emit({ name: 'chunk', type, n: n + 1, of: chunkCount, bytes: bytes.length });
    const facts = context.facts().pending;
    if (facts === null) return;
    // From start to start, and never before the answer: that is now (R144). The commit need not wait.
    const pauseMs = deltaIntervalSec(context) * 1000;
    const nextStepAt = held.size < chunkCount ? startedAt + pauseMs : context.clock.now();
    context.update({ pending: { ...facts, chunksSent: held.size, nextStepAt } });
  };
}

function deltaIntervalSec(context: Context): number {
  const facts = context.facts();
  return facts.development.deltaUploadIntervalSec ?? facts.profile.deltaUploadIntervalSec;
}

async function commit(
  context: Context,
  progress: UploadProgress,
  pending: Pending,
  uploadId: string,
): Promise<Apply> {
  const result = await context.platform.commit(uploadId);
  return () => {
    if (result.ok) {
      exchangeWorked(context);
      committed(context, progress, pending, result.value);
    } else uploadFailed(context, progress, pending, result.failure);
  };
}

/** Both sides applied the same changes: what they hold must be equal now, else both start over (R220, R221). */
function committed(context: Context, progress: UploadProgress, pending: Pending, answer: CommitReply): void {
  const { type, newSeq, newRoot } = pending;
  progress.held = undefined;
  if (answer.seq !== newSeq || answer.root !== newRoot) {
    scorch(context, [type], 'the platform arrived at another root');
    return;
  }
  const now = context.clock.now();
  context.store.snapshots.commit({ ...answer, at: now });
  const cycleEndedAt = cycleEnd(now, null, context.facts().profile.statusIntervalSec);
  context.updateType(type, {
    seq: newSeq,
    root: newRoot,
    rows: pending.rows,
    uploadedAt: now,
    cycleEndedAt,
    spreadMs: drawSpread(context),
  });
  context.update({ pending: null, syncCheckWanted: true });
  for (const code of ['RESYNC', 'UPLOAD_REFUSED'] as const) context.conditions.clear(code, type);
  context.countUpload(pending.rawBytes, pending.chunkCount);
  const { kind, rawBytes, encodedBytes, chunkCount, setCount, delCount } = pending;
  context.log.info(
    `${type} ${kind} ${newSeq} committed: ${setCount} set, ${delCount} deleted, ${encodedBytes} B`,
  );
  context.emit({
    name: 'uploaded',
    type,
    kind,
    seq: newSeq,
    root: newRoot,
    rawBytes,
    sentBytes: encodedBytes,
    chunks: chunkCount,
    set: setCount,
    del: delCount,
  });
  const activity = type === 'Inventory' ? 'Inventory Scan Complete' : 'Scan Complete';
  recordActivity(context, activity, `${type}, sequence ${newSeq}`);
}

/** What a refusal means for the upload (protocol, "Errors"); everything else is the exchange's own business. */
function uploadFailed(context: Context, progress: UploadProgress, pending: Pending, failure: Failure): void {
  const { type } = pending;
  if (failure.kind !== 'api') {
    // After silence the platform may hold more than was acknowledged: ask before going on.
    progress.held = undefined;
    exchangeFailed(context, failure);
    return;
  }
  switch (`${failure.status} ${failure.code}`) {
    case '409 BASE_MISMATCH':
    case '409 INTEGRITY_MISMATCH':
      progress.held = undefined;
      scorch(context, [type], failure.code === 'BASE_MISMATCH' ? 'bases differ' : 'roots differ');
      return;
    case '409 UPLOAD_INCOMPLETE':
      progress.held = undefined;
      context.update({ pending: pendingFacts(pending, context.clock.now()) });
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
    exchangeFailed(context, failure);
  }
}

/** The same body as a new upload. */
function reopen(context: Context, progress: UploadProgress, pending: Pending, chunkBytes: number): void {
  progress.held = undefined;
  context.store.snapshots.rechunk(chunkBytes);
  const again = context.store.snapshots.pending() ?? pending;
  context.update({ pending: pendingFacts(again, context.clock.now()) });
}

/** 403: the module is not active any more. The delta and the type go; the next heartbeat says what is. */
function moduleGone(context: Context, progress: UploadProgress, type: ManifestType, failure: Failure): void {
  progress.held = undefined;
  context.log.warn(`${type} upload stopped: ${describeFailure(failure)}`);
  context.forgetType(type);
  context.update({ heartbeatWanted: true });
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
    requested: { reason: 'retry', notBefore },
  });
  context.conditions.raise(
    'UPLOAD_REFUSED',
    context.clock.now(),
    { type, reason, next: toInstant(notBefore) },
    type,
  );
}
