import { Readable } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { Client } from 'undici';
import { BODY_LIMITS } from '../../shared/wire.ts';
import { Pacer } from './pacer.ts';
import type { Route } from './route.ts';
import { distinguishedName } from './tls-inspection.ts';

/** A request as it goes out: absolute URL, final headers, encoded body. */
export interface OutgoingRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** Fastest that the body may leave, KB (1024 bytes) per second; 0 or absent: as fast as it goes (R145). */
  readonly maxKbps?: number;
}

/** A reply as it came in: headers by lower-case name, repeated ones joined; body as received. */
export interface IncomingReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** How long an unused connection is kept, ms: as long as the pause between two chunks is by default. */
const KEEP_ALIVE_MS = 10_000;

/** Bodies above this leave in parts, bytes, so that every part that leaves proves the connection alive. */
const WHOLE_BODY_BYTES = 64 * 1024;

/** A paced body may take this much longer than its rate says, in ms per byte and KB/s: one and a half times. */
const PACING_SLACK = (1000 / 1024) * 1.5;

/** The time that the pace of a body alone may take, ms. */
export function pacingMs({ body, maxKbps = 0 }: Pick<OutgoingRequest, 'body' | 'maxKbps'>): number {
  return maxKbps > 0 ? Math.ceil((body.length / maxKbps) * PACING_SLACK) : 0;
}

/** One open connection to the platform. It serves one request at a time and never dials again: that is the routes' part. */
export class Connection {
  readonly route: Route;
  /** Who issued the platform's certificate. */
  readonly issuer: string;
  readonly #client: Client;
  readonly #pacer: Pacer;
  #open = true;

  /** `socket` has finished its TLS handshake with the host of `origin`; `pacer` is that of all connections, if there are several. */
  constructor(route: Route, origin: string, socket: TLSSocket, pacer = new Pacer()) {
    this.route = route;
    this.#pacer = pacer;
    this.issuer = distinguishedName(socket.getPeerCertificate().issuer);
    let unused: TLSSocket | undefined = socket;
    this.#client = new Client(origin, {
      connect: (_, callback) => {
        const given = unused;
        unused = undefined;
        // As a real connector does, later: the client can't take a socket while it asks for one.
        queueMicrotask(() => {
          if (given === undefined || given.destroyed) callback(new ConnectionLost(), null);
          else callback(null, given);
        });
      },
      allowH2: false,
      keepAliveTimeout: KEEP_ALIVE_MS,
    });
    const gone = (): void => {
      this.#open = false;
    };
    socket.once('close', gone);
    this.#client.on('disconnect', gone);
  }

  /** Whether the next request can still use it. */
  get open(): boolean {
    return this.#open;
  }

  /**
   * Sends a request. `timeoutMs` bounds the wait for headers and every pause in a body, `signal` the whole. Rejects with
   * the network's error; any HTTP status is a reply. No redirect is followed, and a reply above 8 MB is broken off.
   */
  async send(outgoing: OutgoingRequest, timeoutMs: number, signal: AbortSignal): Promise<IncomingReply> {
    const { body, maxKbps = 0, method } = outgoing;
    const { pathname, search } = new URL(outgoing.url);
    const inParts = maxKbps > 0 || body.length > WHOLE_BODY_BYTES;
    const reply = await this.#client.request({
      method: method,
      path: pathname + search,
      headers: inParts ? { ...outgoing.headers, 'content-length': `${body.length}` } : outgoing.headers,
      body: method === 'GET' ? null : inParts ? Readable.from(this.#partsOf(body, maxKbps)) : body,
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
      signal,
    });
    const headers = Object.fromEntries(
      Object.entries(reply.headers).flatMap(([name, value]) =>
        value === undefined ? [] : [[name.toLowerCase(), Array.isArray(value) ? value.join(', ') : value]],
      ),
    );
    return { status: reply.statusCode, headers, body: await readBounded(reply.body, BODY_LIMITS.reply) };
  }

  #partsOf(body: Uint8Array, maxKbps: number): Iterable<Uint8Array> | AsyncIterable<Uint8Array> {
    return maxKbps > 0 ? this.#pacer.slices(body, maxKbps) : slices(body);
  }

  /** Ends it, and an exchange under way with an error: the agent that closes this resumes what it left. */
  close(): Promise<void> {
    this.#open = false;
    return this.#client.destroy();
  }
}

/** The connection ended between two requests. */
class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost';
  readonly code = 'ECONNRESET';

  constructor() {
    super('the kept connection had ended');
  }
}

function* slices(body: Uint8Array): Generator<Uint8Array, void, undefined> {
  for (let sent = 0; sent < body.length; sent += WHOLE_BODY_BYTES) {
    yield body.subarray(sent, sent + WHOLE_BODY_BYTES);
  }
}

async function readBounded(
  body: AsyncIterable<Buffer> & { destroy: () => void },
  limit: number,
): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of body) {
    size += part.length;
    if (size > limit) {
      body.destroy();
      throw new Error(`reply is larger than ${limit} bytes`);
    }
    parts.push(part);
  }
  return Buffer.concat(parts);
}
