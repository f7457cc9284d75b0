import type { CommitReply } from '../../shared/wire.ts';
import type { Context } from '../context.ts';
import { ApiError } from '../errors.ts';
import type { Upload } from '../store/uploads.ts';
import { decodeBody } from './decode.ts';
import { readChunks, removeFiles } from './files.ts';
import type { Outcome } from './outcome.ts';

/** Stores how the commit ended, and forgets its bytes. */
export function finish(
  context: Context,
  upload: Upload,
  outcome: Outcome,
  also: () => void = () => undefined,
): Outcome {
  context.store.transaction(() => {
    also();
    close(context, upload, outcome.status, outcome.reply);
  });
  removeFiles(context.dataDir, upload.id);
  return outcome;
}

/** Marks an upload as ended and drops its rows on the way. To be called inside a transaction. */
export function close(context: Context, upload: Upload, status: number, reply: Outcome['reply']): void {
  const { uploads, staging } = context.store;
  uploads.finish(upload.id, status, reply, context.now());
  uploads.dropChunks(upload.id);
  staging.clear(upload.id);
  uploads.trimFinished(upload.agent, context.limits.finishedUploads);
}

/** A refusal as an outcome; whatever is not one, such as a full disk, is thrown on and leaves the upload open. */
export function refusal(error: unknown): Outcome {
  if (!(error instanceof ApiError)) throw error;
  return { status: error.status, reply: { code: error.code, message: error.message } };
}

/** The decoded body of an upload, checked against what its opening says. */
export const rawPieces = (context: Context, upload: Upload): AsyncGenerator<Buffer, void, undefined> =>
  decodeBody(readChunks(context.dataDir, upload.id, upload.request.chunkCount), upload.request);

/** What the commit of an upload without a snapshot answers: its digest stands for the root. */
export const streamReply = (upload: Upload): CommitReply => ({
  seq: upload.request.newSeq ?? 0,
  root: upload.request.digest,
});
