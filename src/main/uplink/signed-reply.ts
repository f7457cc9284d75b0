import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import type { z } from 'zod';
import { BODY_LIMITS, ErrorReply } from '../../shared/wire.ts';
import { SignatureRefused, verifyReply, type RequestParts } from '../../wire/message-signature.ts';
import type { IncomingReply } from './connection.ts';
import type { Failure, Result } from './failure.ts';

/** What a reply carried beside its value. */
export interface Answer<T> {
  readonly value: T;
  readonly etag: string | undefined;
}

/** What a reply is held against. */
export interface Expectation<T> {
  /** The request as it was sent, with its signature. */
  readonly request: RequestParts;
  /** The pinned platform key, or `undefined` before the first provisioning. */
  readonly platformKey: string | undefined;
  readonly reply: z.ZodType<T>;
  /** Before a key is pinned: where a reply names the key it is signed with (provisioning alone does). */
  readonly keyFromReply?: ((value: T) => string) | undefined;
  /** This host's clock, ms since the epoch. */
  readonly now: number;
}

/** Verifies a reply, then parses it: an error in it counts only when the platform signed it (R222). Never throws. */
export async function accept<T>(
  incoming: IncomingReply,
  { request, platformKey, reply, keyFromReply, now }: Expectation<T>,
): Promise<Result<Answer<T>>> {
  const pinned = platformKey !== undefined;
  if (pinned) {
    const refusal = await refusalOf(incoming, request, platformKey);
    if (refusal !== undefined) return { ok: false, failure: refusal };
  }
  if (incoming.status >= 300 || incoming.status < 200) {
    return { ok: false, failure: apiFailure(incoming, pinned, now) };
  }
  const parsed = reply.safeParse(parseJson(incoming));
  if (!parsed.success) {
    const where = parsed.error.issues[0];
    const reason = `reply has a wrong schema at "${where?.path.join('.') ?? ''}": ${where?.message ?? ''}`;
    return { ok: false, failure: { kind: 'unverified', reason, ...(pinned && { signed: true }) } };
  }
  if (!pinned) {
    const key = keyFromReply?.(parsed.data);
    const refusal =
      key === undefined
        ? ({ kind: 'unverified', reason: 'no platform key is pinned yet' } as const)
        : await refusalOf(incoming, request, key);
    if (refusal !== undefined) return { ok: false, failure: refusal };
  }
  return { ok: true, value: { value: parsed.data, etag: incoming.headers['etag'] } };
}

function apiFailure(incoming: IncomingReply, verified: boolean, now: number): Failure {
  const parsed = ErrorReply.safeParse(parseJson(incoming));
  // A wish that nobody signed would let a gateway on one network silence the agent on all of them.
  const retryAfterSec = verified ? secondsToWait(incoming.headers['retry-after'], now) : undefined;
  return {
    kind: 'api',
    status: incoming.status,
    code: parsed.success ? parsed.data.error.code : '',
    message: parsed.success ? parsed.data.error.message.slice(0, 300) : 'no error body',
    ...(parsed.success && { serverTime: Date.parse(parsed.data.serverTime) }),
    ...(retryAfterSec !== undefined && { retryAfterSec }),
    verified,
  };
}

/** `Retry-After` (RFC 9110, 10.2.3) in seconds: a number or a date; bounded to a day, `undefined` when it is neither. */
function secondsToWait(field: string | undefined, now: number): number | undefined {
  if (field === undefined) return undefined;
  const seconds = /^\d+$/.test(field)
    ? Number(field)
    : /^[A-Z][a-z]{2}, .* GMT$/.test(field)
      ? Math.ceil((Date.parse(field) - now) / 1000)
      : Number.NaN;
  return Number.isNaN(seconds) ? undefined : Math.min(Math.max(seconds, 0), 86_400);
}

async function refusalOf(
  incoming: IncomingReply,
  request: RequestParts,
  key: string,
): Promise<Failure | undefined> {
  try {
    await verifyReply({ status: incoming.status, headers: incoming.headers, request }, incoming.body, key);
    return undefined;
  } catch (error) {
    if (!(error instanceof SignatureRefused)) throw error;
    const given = /;keyid="([A-Za-z0-9_-]{1,64})"/.exec(incoming.headers['signature-input'] ?? '')?.[1];
    const reason = given === undefined ? `reply is not signed (${error.message})` : error.message;
    return { kind: 'unverified', reason, ...(given !== undefined && { givenKeyId: given }) };
  }
}

/** The body as JSON, decoded within bounds; `undefined` when it is not JSON: the schema then says what is wrong. */
function parseJson(incoming: IncomingReply): unknown {
  try {
    if (incoming.body.length === 0) return {};
    return JSON.parse(decode(incoming).toString('utf8')) as unknown;
  } catch {
    return undefined;
  }
}

function decode(incoming: IncomingReply): Buffer {
  const limit = { maxOutputLength: BODY_LIMITS.reply };
  switch (incoming.headers['content-encoding'] ?? 'identity') {
    case 'identity':
      return incoming.body;
    case 'gzip':
      return gunzipSync(incoming.body, limit);
    case 'zstd':
      return zstdDecompressSync(incoming.body, limit);
    default:
      throw new Error('unknown content encoding');
  }
}
