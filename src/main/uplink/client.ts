import { randomBytes } from 'node:crypto';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import type { z } from 'zod';
import { BODY_LIMITS, ErrorReply } from '../../shared/wire.ts';
import type { KeyPair } from '../../wire/keys.ts';
import {
  signRequest,
  SignatureRefused,
  verifyReply,
  type RequestParts,
} from '../../wire/message-signature.ts';
import type { Log } from '../host/log.ts';
import { describeFailure, failureOf, type Failure, type Result } from './failure.ts';
import type { IncomingReply, Transport } from './transport.ts';

/** Who asks, at the moment of asking. */
export interface Caller {
  readonly customerId: string;
  readonly agentId: string;
  readonly keyPair: KeyPair;
  /** The pinned platform key, or `undefined` before the first provisioning. */
  readonly platformKey: string | undefined;
}

/** One exchange. `path` is relative to the base URL. */
export interface Exchange<T> {
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly path: string;
  readonly body?: Uint8Array | object;
  readonly headers?: Readonly<Record<string, string>>;
  readonly reply: z.ZodType<T>;
  /** Fastest that the body may leave, KB per second; 0 or absent: no limit. */
  readonly maxKbps?: number;
  /** Before a key is pinned: where a reply names the key it is signed with (provisioning alone does). */
  readonly keyFromReply?: (value: T) => string;
}

/** What a reply carried beside its value. */
export interface Answer<T> {
  readonly value: T;
  readonly etag: string | undefined;
}

/**
 * The platform's client: signs, sends, verifies, parses. It never retries but once, for a wrong clock: retries have one
 * owner, the agent's plan. Every exchange leaves one line in the log (R282, R283).
 */
export class PlatformClient {
  readonly #base: URL;
  readonly #transport: Transport;
  readonly #now: () => number;
  readonly #log: Log;
  #clockOffsetSec = 0;

  constructor(options: {
    readonly base: string;
    readonly transport: Transport;
    readonly now: () => number;
    readonly log: Log;
  }) {
    this.#base = new URL(options.base);
    this.#transport = options.transport;
    this.#now = options.now;
    this.#log = options.log;
  }

  /** Seconds to add to this host's clock to get the platform's, as its signed replies told. */
  get clockOffsetSec(): number {
    return this.#clockOffsetSec;
  }

  get route(): string {
    return this.#transport.route;
  }

  /** Makes one exchange. Never throws for what a network or a platform can do. */
  async exchange<T>(caller: Caller, exchange: Exchange<T>): Promise<Result<Answer<T>>> {
    const first = await this.#attempt(caller, exchange);
    if (first.ok || !this.#learnClock(first.failure)) return first;
    return this.#attempt(caller, exchange);
  }

  close(): Promise<void> {
    return this.#transport.close();
  }

  /** Takes the platform's time from a verified CLOCK_SKEW; says whether another attempt makes sense. */
  #learnClock(failure: Failure): boolean {
    if (failure.kind !== 'api' || failure.code !== 'CLOCK_SKEW' || !failure.verified) return false;
    if (failure.serverTime === undefined) return false;
    this.#clockOffsetSec = Math.round((failure.serverTime - this.#now()) / 1000);
    return true;
  }

  async #attempt<T>(caller: Caller, exchange: Exchange<T>): Promise<Result<Answer<T>>> {
    const url = new URL(exchange.path, this.#base);
    const body = encodeBody(exchange.body);
    const request: RequestParts = {
      method: exchange.method,
      path: url.pathname,
      query: url.search,
      headers: {
        ...exchange.headers,
        'wayfarer-customer': caller.customerId,
        'wayfarer-agent': caller.agentId,
        ...(exchange.body !== undefined &&
          !(exchange.body instanceof Uint8Array) && { 'content-type': 'application/json' }),
      },
    };
    const stamp = {
      created: Math.floor(this.#now() / 1000) + this.#clockOffsetSec,
      nonce: randomBytes(16).toString('base64url'),
    };
    const headers = { ...request.headers, ...signRequest(request, body, caller.keyPair, stamp) } as Record<
      string,
      string
    >;
    const startedAt = this.#now();
    const line = `${exchange.method} ${exchange.path} via ${this.#transport.route}`;
    const elapsed = (): string => `${Math.round(this.#now() - startedAt)} ms`;
    let incoming: IncomingReply;
    try {
      const { method, maxKbps = 0 } = exchange;
      incoming = await this.#transport.send({ method, url: url.href, headers, body, maxKbps });
    } catch (error) {
      const failure = failureOf(error);
      this.#log.error(`Http request failed: ${describeFailure(failure)}: ${line} (${elapsed()})`);
      return { ok: false, failure };
    }
    const outcome = `${line}, Http status code: ${incoming.status} (${incoming.body.length} B, ${elapsed()})`;
    const result = await this.#accept(caller, exchange, { ...request, headers }, incoming);
    if (result.ok) this.#log.info(`Http request: ${outcome}`);
    else this.#log.error(`Http request failed: ${describeFailure(result.failure)}: ${outcome}`);
    return result;
  }

  async #accept<T>(
    caller: Caller,
    exchange: Exchange<T>,
    request: RequestParts,
    incoming: IncomingReply,
  ): Promise<Result<Answer<T>>> {
    if (caller.platformKey !== undefined) {
      const refusal = await refusalOf(incoming, request, caller.platformKey);
      if (refusal !== undefined) return { ok: false, failure: refusal };
    }
    if (incoming.status >= 300 || incoming.status < 200) {
      return { ok: false, failure: apiFailure(incoming, caller.platformKey !== undefined, this.#now()) };
    }
    const parsed = exchange.reply.safeParse(parseJson(incoming));
    if (!parsed.success) {
      const where = parsed.error.issues[0];
      const reason = `reply has a wrong schema at "${where?.path.join('.') ?? ''}": ${where?.message ?? ''}`;
      return { ok: false, failure: { kind: 'unverified', reason } };
    }
    if (caller.platformKey === undefined) {
      const key = exchange.keyFromReply?.(parsed.data);
      const refusal =
        key === undefined
          ? ({ kind: 'unverified', reason: 'no platform key is pinned yet' } as const)
          : await refusalOf(incoming, request, key);
      if (refusal !== undefined) return { ok: false, failure: refusal };
    }
    return { ok: true, value: { value: parsed.data, etag: incoming.headers['etag'] } };
  }
}

function apiFailure(incoming: IncomingReply, verified: boolean, now: number): Failure {
  const parsed = ErrorReply.safeParse(parseJson(incoming));
  const retryAfterSec = secondsToWait(incoming.headers['retry-after'], now);
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

function encodeBody(body: Uint8Array | object | undefined): Uint8Array {
  if (body === undefined) return new Uint8Array();
  return body instanceof Uint8Array ? body : Buffer.from(JSON.stringify(body), 'utf8');
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
