import type { CommitReply, OpenUploadRequest, UploadState } from '../../shared/wire.ts';
import type { Failure, Result } from '../uplink/failure.ts';
import type { Apply, Context } from './context.ts';
import { exchangeWorked } from './failures.ts';
import { deltaIntervalSec, firstMissing } from './upload-progress.ts';

/** An upload that goes to the platform step by step, and what its owner does about each answer, within an event. */
export interface UploadInSteps {
  /** What it is called in events. */
  readonly name: string;
  readonly request: OpenUploadRequest;
  readonly idempotencyKey: string;
  /** The platform's id of it, once it was opened. */
  readonly uploadId: string | undefined;
  /** Chunks that the platform has; `undefined` when it has to be asked. */
  readonly held: ReadonlySet<number> | undefined;
  /** The bytes of chunk `n`, from 0. */
  readonly chunk: (n: number) => Buffer;
  /** It was opened, or asked after. */
  readonly stands: (state: UploadState) => void;
  /** The platform has chunk `n` too; the next step may go at `nextStepAt`, ms. */
  readonly sent: (n: number, nextStepAt: number) => void;
  readonly committed: (reply: CommitReply) => void;
  readonly failed: (failure: Failure) => void;
}

/**
 * Takes an upload one step further: open it, or ask what the platform holds of it after a restart, or send the first
 * missing chunk, or commit. Each step is one exchange, so that heartbeats come in between.
 */
export async function nextUploadStep(context: Context, upload: UploadInSteps): Promise<Apply> {
  const { uploadId, held, request } = upload;
  const { platform } = context;
  if (uploadId === undefined) {
    const opened = await platform.openUpload(request, upload.idempotencyKey);
    return answered(context, upload, opened, upload.stands);
  }
  if (held === undefined)
    return answered(context, upload, await platform.uploadState(uploadId), upload.stands);
  const missing = firstMissing(held, request.chunkCount);
  if (missing !== undefined) return sendChunk(context, upload, uploadId, missing);
  return answered(context, upload, await platform.commit(uploadId), upload.committed);
}

async function sendChunk(
  context: Context,
  upload: UploadInSteps,
  uploadId: string,
  n: number,
): Promise<Apply> {
  const startedAt = context.clock.now();
  const bytes = upload.chunk(n);
  const { networkThrottleTxKbps } = context.facts().profile;
  const result = await context.platform.putChunk(uploadId, n, bytes, networkThrottleTxKbps);
  return answered(context, upload, result, () => {
    const { name, request, held } = upload;
    context.countSent(bytes.length);
    context.emit({ name: 'chunk', type: name, n: n + 1, of: request.chunkCount, bytes: bytes.length });
    const isLast = firstMissing(new Set(held).add(n), request.chunkCount) === undefined;
    // From start to start, and never before the answer: that is now (R144). The commit need not wait.
    const pauseMs = deltaIntervalSec(context.facts()) * 1000;
    upload.sent(n, isLast ? context.clock.now() : startedAt + pauseMs);
  });
}

function answered<T>(
  context: Context,
  upload: UploadInSteps,
  result: Result<T>,
  take: (value: T) => void,
): Apply {
  return () => {
    if (result.ok) {
      exchangeWorked(context);
      take(result.value);
    } else upload.failed(result.failure);
  };
}
