import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ErrorReply } from '../../shared/wire.ts';
import {
  SignatureRefused,
  signReply,
  type Headers,
  type RequestParts,
} from '../../wire/message-signature.ts';
import { instant, type Context } from '../context.ts';
import { ApiError } from '../errors.ts';

/** What a handler answers. Without `body` the reply is empty. */
export interface Answer {
  readonly status: number;
  readonly body?: unknown;
  /** Version of a signed document: sent as `ETag`, in quotes. */
  readonly version?: number;
}

/** Scheme and authority of a request target in absolute form (RFC 9112, 3.2.2), which is answered like its path. */
const ORIGIN = /^https?:\/\/[^/?#]*/i;

/** What a signature sees of a request: the raw path and query as they arrived. */
export function partsOf(request: FastifyRequest): RequestParts {
  const url = (request.raw.url ?? '/').replace(ORIGIN, '');
  const at = url.indexOf('?');
  return {
    method: request.method,
    path: at < 0 ? url : url.slice(0, at),
    query: at < 0 ? '' : url.slice(at),
    headers: headersOf(request),
  };
}

function headersOf(request: FastifyRequest): Headers {
  return Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(', ') : value,
    ]),
  );
}

/**
 * Sends an answer signed by the platform's key, bound to its request. The bytes that are signed are the bytes that
 * are sent: nothing downstream encodes or tags them.
 */
export function sendSigned(
  context: Context,
  request: FastifyRequest,
  reply: FastifyReply,
  answer: Answer,
): FastifyReply {
  // The answer to HEAD has no content, and its digest must not speak of any.
  const empty = answer.body === undefined || request.method === 'HEAD';
  const body = Buffer.from(empty ? '' : JSON.stringify(answer.body), 'utf8');
  const headers: Record<string, string> = {};
  if (body.length > 0) headers['content-type'] = 'application/json; charset=utf-8';
  if (answer.version !== undefined) headers['etag'] = `"${answer.version}"`;
  const signature = sign(context, request, answer.status, headers, body);
  return reply
    .code(answer.status)
    .headers({ 'cache-control': 'no-store', ...headers, ...signature })
    .send(body.length > 0 ? body : undefined);
}

function sign(
  context: Context,
  request: FastifyRequest,
  status: number,
  headers: Headers,
  body: Uint8Array,
): Record<string, string> {
  const created = Math.floor(context.now() / 1000);
  const parts = partsOf(request);
  // A request whose own headers can't be covered gets a reply that covers its method and path; one whose target can't
  // be (`*`, a fragment) gets one without a signature: no agent of ours asks for it, and nobody can make us fail by it.
  for (const covered of [parts, { ...parts, headers: {} }]) {
    try {
      return signReply({ status, headers, request: covered }, body, context.signing, created);
    } catch (error) {
      if (!(error instanceof SignatureRefused)) throw error;
    }
  }
  return {};
}

/** The error of this exchange as the protocol words it. Anything unforeseen is a 500 without details. */
export function sendError(
  context: Context,
  request: FastifyRequest,
  reply: FastifyReply,
  error: unknown,
): FastifyReply {
  const known = apiErrorOf(error);
  if (known.status >= 500) {
    const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
    context.log('error', `${request.method} ${partsOf(request).path}: ${reason}`);
  }
  if (known.retryAfterSec !== undefined) void reply.header('retry-after', String(known.retryAfterSec));
  const body: ErrorReply = {
    error: { code: known.code, message: known.message.slice(0, 1_000) },
    serverTime: instant(context.now()),
  };
  return sendSigned(context, request, reply, { status: known.status, body });
}

function apiErrorOf(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  const { statusCode, code } = error as { readonly statusCode?: unknown; readonly code?: unknown };
  if (statusCode === 413)
    return new ApiError(413, 'TOO_LARGE', 'the body is larger than this endpoint takes');
  if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500) {
    return new ApiError(statusCode, 'BAD_REQUEST', error instanceof Error ? error.message : 'bad request');
  }
  if (typeof code === 'string' && /^SQLITE_(BUSY|FULL|IOERR)/.test(code)) {
    return new ApiError(503, 'BUSY', 'the platform cannot write at the moment', { retryAfterSec: 30 });
  }
  if (code === 'ENOSPC')
    return new ApiError(503, 'BUSY', 'the platform has no disk space', { retryAfterSec: 300 });
  return new ApiError(500, 'INTERNAL', 'the platform failed; its log says why');
}
