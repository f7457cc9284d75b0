import { createHash, randomUUID } from 'node:crypto';
import type { OpenUploadRequest, UploadState } from '../../shared/wire.ts';
import type { z } from 'zod';
import { requireActive } from '../agents/manifests.ts';
import type { Context } from '../context.ts';
import { ApiError, badRequest } from '../errors.ts';
import type { Agent } from '../store/agents.ts';
import type { Upload } from '../store/uploads.ts';
import { removeFiles, writeChunk } from './files.ts';

type State = z.input<typeof UploadState>;

/**
 * Opens an upload. The oldest open ones of the agent go when there are too many. Throws 403 `MODULE_NOT_ACTIVE`,
 * 400 for an archive of logs that is too large, 503 `BUSY`.
 * To be called inside the transaction that remembers the answer.
 */
export function openUpload(context: Context, agent: Agent, request: OpenUploadRequest): State {
  if (request.kind === 'fim') requireActive(agent, 'FIM');
  if (request.kind === 'edr') requireActive(agent, 'EDR');
  if (request.type !== undefined) requireActive(agent, request.type);
  if (request.kind === 'logs' && request.encodedBytes > context.limits.logArchiveBytes) {
    throw badRequest(`an archive of logs has at most ${context.limits.logArchiveBytes} bytes`);
  }
  makeRoom(context, agent);
  const id = randomUUID();
  context.store.uploads.add(id, agent.id, request, context.now());
  return { uploadId: id, state: 'open', held: [] };
}

/** Removes the oldest open uploads that no commit is reading. Throws 503 `BUSY` when all of them are being read. */
function makeRoom(context: Context, agent: Agent): void {
  const open = context.store.uploads.open(agent.id);
  const excess = open.length - context.limits.openUploads + 1;
  if (excess <= 0) return;
  const idle = open.filter((upload) => !context.commits.has(upload.id));
  if (idle.length < excess) {
    throw new ApiError(503, 'BUSY', 'this many uploads are being committed', { retryAfterSec: 5 });
  }
  for (const old of idle.slice(0, excess)) discard(context, old.id);
}

/** Removes an upload with its chunks. */
export function discard(context: Context, uploadId: string): void {
  context.store.uploads.remove(uploadId);
  removeFiles(context.dataDir, uploadId);
}

/** The agent's own upload of this id. Throws 404 `UPLOAD_UNKNOWN`, for those of other agents too. */
export function requireUpload(context: Context, agent: Agent, uploadId: string): Upload {
  const upload = context.store.uploads.get(uploadId);
  if (upload?.agent !== agent.id) throw new ApiError(404, 'UPLOAD_UNKNOWN', 'no such upload');
  return upload;
}

/** What of an upload has arrived. */
export function uploadState(context: Context, upload: Upload): State {
  if (upload.status === null) {
    return { uploadId: upload.id, state: 'open', held: context.store.uploads.held(upload.id) };
  }
  const result = upload.status === 200 ? { result: JSON.parse(upload.reply ?? '') as State['result'] } : {};
  return { uploadId: upload.id, state: 'committed', held: [], ...result };
}

/** Length that chunk `n` must have; `undefined` when the upload has no such chunk. */
export function chunkLength(request: OpenUploadRequest, n: number): number | undefined {
  if (!Number.isInteger(n) || n < 0 || n >= request.chunkCount) return undefined;
  return Math.min(request.chunkBytes, request.encodedBytes - n * request.chunkBytes);
}

/**
 * Keeps one chunk; the same bytes again change nothing. Throws 400 for a number or length that was not declared and
 * for other bytes under a number that is held.
 */
export function putChunk(context: Context, upload: Upload, n: number, bytes: Uint8Array): State {
  if (upload.status !== null) return uploadState(context, upload);
  const expected = chunkLength(upload.request, n);
  if (expected === undefined) throw badRequest(`the upload has no chunk ${n}`);
  if (bytes.length !== expected) {
    throw badRequest(`chunk ${n} has ${bytes.length} bytes, declared were ${expected}`);
  }
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const held = context.store.uploads.chunk(upload.id, n);
  if (held !== undefined && held !== sha256) throw badRequest(`chunk ${n} is held with other bytes`);
  if (held === undefined) {
    writeChunk(context.dataDir, upload.id, n, bytes);
    context.store.uploads.addChunk(upload.id, n, sha256, context.now());
  }
  return uploadState(context, upload);
}
