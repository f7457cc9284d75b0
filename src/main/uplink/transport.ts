import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import { createSecureContext, getCACertificates } from 'node:tls';
import { Agent, request } from 'undici';
import { BODY_LIMITS } from '../../shared/wire.ts';
import { pacedBody, type PaceClock } from './paced-body.ts';

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

/** One way to the platform. Rejects with the network's error; any HTTP status is a reply. */
export interface Transport {
  /** How logs and status name it: `direct`, `proxy#1`. */
  readonly route: string;
  readonly send: (request: OutgoingRequest) => Promise<IncomingReply>;
  readonly close: () => Promise<void>;
}

/** A paced body may take this much longer than its rate says, in ms per byte and KB/s: one and a half times. */
const PACING_SLACK = (1000 / 1024) * 1.5;

const pace: PaceClock = { now: () => performance.now(), sleep: (ms) => setTimeout(ms) };

/** A whole exchange, request and reply, may take this many times the timeout. */
const WHOLE_EXCHANGE = 10;

/** The direct way: TLS 1.2 or newer (R003), the system's trust store and the CA file, no redirects, bounded replies. */
export class DirectTransport implements Transport {
  readonly route = 'direct';
  readonly #agent: Agent;
  readonly #deadlineMs: number;

  /**
   * `timeoutSec` bounds connecting, waiting for headers and every pause in a body; ten times that bounds the whole, or
   * a byte now and then would hold it for ever. Throws when the CA file can't be read or holds no certificate.
   */
  constructor(options: { readonly caFile?: string; readonly timeoutSec: number }) {
    const timeout = options.timeoutSec * 1000;
    this.#deadlineMs = timeout * WHOLE_EXCHANGE;
    this.#agent = new Agent({
      connect: {
        secureContext: createSecureContext({
          ca: trustedCertificates(options.caFile),
          minVersion: 'TLSv1.2',
        }),
        timeout,
        // Said aloud: NODE_TLS_REJECT_UNAUTHORIZED would switch the default off.
        rejectUnauthorized: true,
      },
      allowH2: false,
      headersTimeout: timeout,
      bodyTimeout: timeout,
      keepAliveTimeout: 10_000,
      connections: 2,
    });
  }

  async send(outgoing: OutgoingRequest): Promise<IncomingReply> {
    const { body, maxKbps = 0 } = outgoing;
    const paced = maxKbps > 0 && body.length > 0;
    const reply = await request(outgoing.url, {
      method: outgoing.method as 'GET',
      headers: paced ? { ...outgoing.headers, 'content-length': `${body.length}` } : outgoing.headers,
      body: outgoing.method === 'GET' ? null : paced ? Readable.from(pacedBody(body, maxKbps, pace)) : body,
      dispatcher: this.#agent,
      signal: AbortSignal.timeout(
        this.#deadlineMs + (paced ? Math.ceil((body.length / maxKbps) * PACING_SLACK) : 0),
      ),
    });
    const headers = Object.fromEntries(
      Object.entries(reply.headers).flatMap(([name, value]) =>
        value === undefined ? [] : [[name.toLowerCase(), Array.isArray(value) ? value.join(', ') : value]],
      ),
    );
    return { status: reply.statusCode, headers, body: await readBounded(reply.body, BODY_LIMITS.reply) };
  }

  /** Ends an exchange under way with an error: the agent that closes this is ending and resumes what it left. */
  close(): Promise<void> {
    return this.#agent.destroy();
  }
}

/** The operating system's trust store plus the certificates of the CA file. */
function trustedCertificates(caFile: string | undefined): string[] {
  const system = getCACertificates('system');
  const base = system.length > 0 ? system : getCACertificates('bundled');
  return caFile === undefined ? base : [...base, certificatesOf(caFile)];
}

/** The text of a PEM file, checked here: at the first connection it would look like a trouble of the network. */
function certificatesOf(caFile: string): string {
  const pem = readFileSync(caFile, 'utf8');
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g);
  if (blocks === null) throw new Error(`${caFile} holds no PEM certificate`);
  for (const block of blocks) {
    try {
      new X509Certificate(block);
    } catch (error) {
      throw new Error(`${caFile} holds a certificate that can't be read`, { cause: error });
    }
  }
  return pem;
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
      throw new Error(`reply is larger than ${String(limit)} bytes`);
    }
    parts.push(part);
  }
  return Buffer.concat(parts);
}
