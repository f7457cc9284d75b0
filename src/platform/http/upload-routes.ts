import type { FastifyInstance } from 'fastify';
import {
  BODY_LIMITS,
  OpenUploadRequest,
  UPLOAD_LIMITS,
  type ErrorCode,
  type UploadState,
} from '../../shared/wire.ts';
import { instant, type Context } from '../context.ts';
import { commitUpload } from '../uploads/commit.ts';
import type { Outcome } from '../uploads/outcome.ts';
import { openUpload, putChunk, requireUpload, uploadState } from '../uploads/open.ts';
import { agentRoute, type AgentCall, type HttpContext } from './agent-route.ts';
import type { Answer } from './exchange.ts';
import { firstAnswer, once, remember, repeatable } from './idempotency.ts';

/** Uploads: open, chunk, ask, commit. `committed` is called after every commit that changed something. */
export function uploadRoutes(server: FastifyInstance, context: HttpContext, committed: () => void): void {
  const { other } = BODY_LIMITS;
  const uploadOf = (call: AgentCall) => requireUpload(context, call.agent, call.param('uid'));
  agentRoute(server, context, 'POST', '/uploads', other, (call) => {
    const request = call.json(OpenUploadRequest);
    return once(
      context,
      call,
      () => ({ status: 201, body: openUpload(context, call.agent, request) }),
      // An upload that was removed since must not be given out again: its sender would never get on.
      (first) => context.store.uploads.get((first.body as UploadState).uploadId) !== undefined,
    );
  });
  agentRoute(server, context, 'GET', '/uploads/:uid', other, (call) => ({
    status: 200,
    body: uploadState(context, uploadOf(call)),
  }));
  agentRoute(server, context, 'PUT', '/uploads/:uid/chunks/:n', UPLOAD_LIMITS.chunkBytesMax, (call) => {
    const n = /^\d{1,5}$/.test(call.param('n')) ? Number(call.param('n')) : -1;
    return { status: 200, body: putChunk(context, uploadOf(call), n, call.body) };
  });
  agentRoute(server, context, 'POST', '/uploads/:uid/commit', other, async (call) => {
    const request = repeatable(call);
    const first = firstAnswer(context, call, request);
    if (first !== undefined) return first;
    const upload = uploadOf(call);
    // A repeat that arrives while the first is still at work waits for the same end.
    const running = context.commits.get(upload.id) ?? commitUpload(context, call.agent, upload);
    context.commits.set(upload.id, running);
    try {
      const answer = answerOf(context, await running);
      remember(context, call, request, answer);
      committed();
      return answer;
    } finally {
      context.commits.delete(upload.id);
    }
  });
}

function answerOf(context: Context, outcome: Outcome): Answer {
  if (!('code' in outcome.reply)) return { status: outcome.status, body: outcome.reply };
  const error = { ...outcome.reply, code: outcome.reply.code as ErrorCode };
  return { status: outcome.status, body: { error, serverTime: instant(context.now()) } };
}
