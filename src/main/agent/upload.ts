import type { CommitReply, UploadState } from '../../shared/wire.ts';
import type { Pending } from '../queue/pending-upload.ts';
import type { Apply, Context } from './context.ts';
import { demandGoesOn } from './demand.ts';
import { exchangeWorked } from './failures.ts';
import { drawSpread } from './heartbeat.ts';
import { recordActivity } from './records.ts';
import { uploadDiffers, uploadFailed } from './upload-failures.ts';
import { deltaIntervalSec, firstMissing, type UploadProgress } from './upload-progress.ts';

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
  const result = await context.platform.putChunk(
    uploadId,
    n,
    bytes,
    context.facts().profile.networkThrottleTxKbps,
  );
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
    const pauseMs = deltaIntervalSec(context.facts()) * 1000;
    const nextStepAt = held.size < chunkCount ? startedAt + pauseMs : context.clock.now();
    context.update({ pending: { ...facts, chunksSent: held.size, nextStepAt, failures: 0 } });
  };
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
    uploadDiffers(context, type, 'the platform arrived at another root');
    return;
  }
  const now = context.clock.now();
  context.store.snapshots.commit({ ...answer, at: now });
  context.updateType(type, {
    seq: newSeq,
    root: newRoot,
    rows: pending.rows,
    // Of an upload that an earlier run sealed, nothing but what is pending tells it.
    collectedAt: pending.collectedAt,
    uploadedAt: now,
    cycleEndedAt: now,
    failures: 0,
    spreadMs: drawSpread(context),
  });
  context.update({ pending: null, syncCheckWanted: true });
  demandGoesOn(context, type, 'done');
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
