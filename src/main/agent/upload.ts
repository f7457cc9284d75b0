import type { CommitReply, OpenUploadRequest, UploadState } from '../../shared/wire.ts';
import type { Pending } from '../queue/pending-upload.ts';
import type { Apply, Context } from './context.ts';
import { demandGoesOn } from './demand.ts';
import { drawSpread } from './heartbeat.ts';
import { recordActivity } from './records.ts';
import { uploadDiffers, uploadFailed } from './upload-failures.ts';
import type { UploadProgress } from './upload-progress.ts';
import { nextUploadStep } from './upload-steps.ts';

/** Takes the pending upload of a collection one step further. */
export async function uploadStep(context: Context, progress: UploadProgress): Promise<Apply> {
  const pending = context.store.snapshots.pending();
  if (pending === undefined) {
    return () => {
      context.update({ pending: null });
    };
  }
  return nextUploadStep(context, {
    name: pending.type,
    request: requestOf(pending),
    idempotencyKey: pending.idempotencyKey,
    uploadId: pending.uploadId,
    held: progress.held,
    chunk: (n) => context.store.snapshots.chunk(n),
    stands: (state) => {
      if (pending.uploadId === undefined) context.store.snapshots.setUpload(state.uploadId);
      takeState(context, progress, pending, state);
    },
    sent: (n, nextStepAt) => {
      chunkSent(context, progress, n, nextStepAt);
    },
    committed: (reply) => {
      committed(context, progress, pending, reply);
    },
    failed: (failure) => {
      uploadFailed(context, progress, pending, failure);
    },
  });
}

function requestOf(pending: Pending): OpenUploadRequest {
  const { kind, type, baseSeq, baseRoot, newSeq, newRoot, encoding, chunkBytes, chunkCount } = pending;
  const { encodedBytes, rawBytes, digest } = pending;
  const base = kind === 'delta' && { baseSeq, baseRoot };
  const body = { encoding, chunkBytes, chunkCount, encodedBytes, rawBytes, digest };
  return { kind, type, ...base, newSeq, newRoot, ...body };
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

function chunkSent(context: Context, progress: UploadProgress, n: number, nextStepAt: number): void {
  const held = (progress.held ??= new Set());
  held.add(n);
  const facts = context.facts().pending;
  if (facts === null) return;
  context.update({ pending: { ...facts, chunksSent: held.size, nextStepAt, failures: 0 } });
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
