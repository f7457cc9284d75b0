import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ManifestType } from '../../shared/modules.ts';
import type { Activity } from '../../shared/wire.ts';
import { parseChange, parseHeader } from '../../wire/delta-body.ts';
import type { Change } from '../../wire/delta.ts';
import { requireActive } from '../agents/manifests.ts';
import type { Context } from '../context.ts';
import { commitEvents } from '../events/commit.ts';
import { ApiError, badRequest, reasonOf } from '../errors.ts';
import type { Agent } from '../store/agents.ts';
import type { Upload } from '../store/uploads.ts';
import { applyStaged, type Applied } from './apply.ts';
import { linesOf } from './decode.ts';
import { close, finish, rawPieces, refusal, streamReply } from './ending.ts';
import { discard } from './open.ts';
import { removeFiles } from './files.ts';
import type { Outcome } from './outcome.ts';

/** Changes staged per transaction; between two of them other requests are answered. */
const BATCH = 2_000;

/**
 * Ends an upload: reads it as a stream, applies it to a copy, proves the root. The outcome is stored with what it
 * changed in one transaction, so that a repeat, also after a crash in between, gets the same answer.
 * Throws 409 `UPLOAD_INCOMPLETE` and 403 `MODULE_NOT_ACTIVE`, after which the upload is still open.
 */
export async function commitUpload(context: Context, agent: Agent, upload: Upload): Promise<Outcome> {
  const before = outcomeOf(upload);
  if (before !== undefined) return before;
  const held = context.store.uploads.held(upload.id).length;
  if (held !== upload.request.chunkCount) {
    throw new ApiError(409, 'UPLOAD_INCOMPLETE', `${held} of ${upload.request.chunkCount} chunks arrived`);
  }
  if (upload.request.type !== undefined) requireActive(agent, upload.request.type);
  try {
    return await committed(context, upload);
  } catch (error) {
    throw isAbsent(error) ? chunksLost(context, upload) : error;
  }
}

function committed(context: Context, upload: Upload): Promise<Outcome> {
  const { kind } = upload;
  switch (kind) {
    case 'snapshot':
    case 'delta':
      return commitSnapshot(context, upload);
    case 'fim':
    case 'edr':
      return commitEvents(context, upload, kind);
    case 'logs':
      return commitLogs(context, upload);
  }
}

const isAbsent = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ENOENT';

/** Chunk files that are gone from the disk are as good as never sent: the agent asks what is held, and sends them again. */
function chunksLost(context: Context, upload: Upload): ApiError {
  context.store.uploads.dropChunks(upload.id);
  removeFiles(context.dataDir, upload.id);
  context.log('warn', `agent ${upload.agent}: chunks of upload ${upload.id} are gone from the disk`);
  return new ApiError(409, 'UPLOAD_INCOMPLETE', 'chunks were lost here: send them again');
}

function outcomeOf(upload: Upload): Outcome | undefined {
  if (upload.status === null) return undefined;
  return { status: upload.status, reply: JSON.parse(upload.reply ?? '') as Outcome['reply'] };
}

async function commitSnapshot(context: Context, upload: Upload): Promise<Outcome> {
  const { type } = upload.request;
  if (type === undefined) throw new Error(`upload ${upload.id} has no manifest type`);
  const { snapshots } = context.store;
  try {
    await stageBody(context, upload);
  } catch (error) {
    return finish(context, upload, refusal(error));
  }
  let applied: Applied;
  try {
    applied = context.store.transaction(() => {
      const done = applyStaged(context, upload, type);
      recordScan(context, upload.agent, type, done.reply.seq);
      close(context, upload, 200, done.reply);
      return done;
    });
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    context.log('warn', `agent ${upload.agent}: ${type} ${error.code}: ${error.message}`);
    return finish(context, upload, refusal(error), () => {
      if (error.status === 409) snapshots.drop(upload.agent, type);
    });
  }
  removeFiles(context.dataDir, upload.id);
  const { counts, reply } = applied;
  context.log(
    'info',
    `agent ${upload.agent}: ${type} seq ${reply.seq}: +${counts.added} ~${counts.changed} -${counts.removed} rows`,
  );
  return { status: 200, reply };
}

/** Puts a scan on record with its commit, so that there are as many of one as of the other (R122, R123). */
function recordScan(context: Context, agent: string, type: ManifestType, seq: number): void {
  const activity: Activity = type === 'Inventory' ? 'Inventory Scan Complete' : 'Scan Complete';
  context.store.events.addActivity(agent, activity, context.now(), `${type} seq ${seq}`);
}

async function stageBody(context: Context, upload: Upload): Promise<void> {
  context.store.staging.clear(upload.id);
  let batch: Change[] = [];
  for await (const change of changesOf(context, upload)) {
    batch.push(change);
    if (batch.length < BATCH) continue;
    context.store.staging.stage(upload.id, batch);
    batch = [];
    await nextTurn();
  }
  context.store.staging.stage(upload.id, batch);
}

async function* changesOf(context: Context, upload: Upload): AsyncGenerator<Change, void, undefined> {
  let count = -1;
  let previous: string | undefined;
  for await (const line of linesOf(rawPieces(context, upload))) {
    count += 1;
    if (count > context.limits.changesPerUpload) {
      throw badRequest(`an upload has at most ${context.limits.changesPerUpload} changes`);
    }
    if (count === 0) {
      requireHeader(line, upload);
      continue;
    }
    const change = parsed(() => parseChange(line, previous));
    if ('del' in change && upload.kind === 'snapshot') throw badRequest('a snapshot deletes nothing');
    previous = 'set' in change ? change.set.key : change.del;
    yield change;
  }
  if (count < 0) throw badRequest('the body has no header line');
}

/** Runs a parser of the wire format; what it throws is the sender's mistake. */
function parsed<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw badRequest(`the body is not understood: ${reasonOf(error).slice(0, 300)}`, error);
  }
}

function requireHeader(line: string, upload: Upload): void {
  const header = parsed(() => parseHeader(line));
  const { request } = upload;
  const differs =
    header.type !== request.type ||
    header.newSeq !== request.newSeq ||
    header.newRoot !== request.newRoot ||
    (request.baseSeq !== undefined && header.baseSeq !== request.baseSeq) ||
    (request.baseRoot !== undefined && header.baseRoot !== request.baseRoot);
  if (differs) throw badRequest('the header of the body says something else than the opening');
}

/** Logs: proven to be what was declared, kept as received. */
async function commitLogs(context: Context, upload: Upload): Promise<Outcome> {
  let bytes = 0;
  try {
    for await (const piece of rawPieces(context, upload)) bytes += piece.length;
  } catch (error) {
    return finish(context, upload, refusal(error));
  }
  context.log('info', `agent ${upload.agent}: ${bytes} bytes of logs`);
  const outcome = { status: 200, reply: streamReply(upload) };
  context.store.transaction(() => {
    context.store.uploads.finish(upload.id, outcome.status, outcome.reply, context.now());
  });
  trimLogs(context, upload.agent);
  return outcome;
}

/** Keeps the newest archives of logs, by number and by bytes; the one just received in any case. */
function trimLogs(context: Context, agent: string): void {
  const { logBytes, logArchives } = context.limits;
  let bytes = 0;
  for (const [n, archive] of context.store.uploads.received(agent, 'logs').entries()) {
    bytes += archive.bytes;
    if (n > 0 && (n >= logArchives || bytes > logBytes)) discard(context, archive.id);
  }
}
