import { readFileSync } from 'node:fs';
import { createServer, request as httpsRequest, type Server } from 'node:https';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { signReply, type RequestParts } from '../../src/wire/message-signature.ts';
import type { KeyPair } from '../../src/wire/keys.ts';

/** A reply on its way through the relay. */
export interface RelayedReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** Changes a reply, or leaves it as it is. */
export type Tamper = (reply: RelayedReply, request: RequestParts) => RelayedReply;

/**
 * Somebody between agent and platform who has the platform's certificate, though not its signing key: passes
 * everything on and changes replies as a test says.
 */
export class TamperingRelay {
  readonly #server: Server;
  readonly #target: URL;
  readonly #ca: string;
  /** Called for every reply; `undefined` passes all on. */
  tamper: Tamper | undefined;

  constructor(target: string, platformDir: string) {
    const read = (name: string): string => readFileSync(join(platformDir, name), 'utf8');
    this.#target = new URL(target);
    this.#ca = read('ca.pem');
    this.#server = createServer(
      { key: read('server.key'), cert: read('server.pem') },
      (incoming, outgoing) => {
        this.#relay(incoming)
          .then(({ status, headers, body }) => {
            outgoing.writeHead(status, { ...headers, 'content-length': String(body.length) }).end(body);
          })
          .catch(() => {
            incoming.destroy();
          });
      },
    );
  }

  /** Listens on a free port of loopback; the WebServiceUri that leads through the relay. */
  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    const { port } = this.#server.address() as AddressInfo;
    return `https://127.0.0.1:${String(port)}${this.#target.pathname}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #relay(incoming: IncomingMessage): Promise<RelayedReply> {
    const url = new URL(incoming.url ?? '/', this.#target);
    const headers = singleHeaders(incoming);
    const reply = await this.#forward(incoming.method ?? 'GET', url, headers, await bytesOf(incoming));
    const request = { method: incoming.method ?? 'GET', path: url.pathname, query: url.search, headers };
    return this.tamper?.(reply, request) ?? reply;
  }

  #forward(method: string, url: URL, headers: Record<string, string>, body: Buffer): Promise<RelayedReply> {
    const { hostname, port, pathname, search } = url;
    const { connection: _connection, ...passed } = headers;
    return new Promise((resolve, reject) => {
      const outgoing = httpsRequest(
        {
          hostname,
          port,
          method,
          path: pathname + search,
          ca: this.#ca,
          agent: false,
          headers: { ...passed, 'content-length': String(body.length) },
        },
        (reply) => {
          bytesOf(reply).then((bytes) => {
            const { 'transfer-encoding': _chunked, connection: _close, ...rest } = singleHeaders(reply);
            resolve({ status: reply.statusCode ?? 0, headers: rest, body: bytes });
          }, reject);
        },
      );
      outgoing.on('error', reject);
      outgoing.end(body);
    });
  }
}

/** The reply with another body, as it stands with the signature of the old one. */
export function withBody(
  reply: RelayedReply,
  change: (body: Record<string, unknown>) => unknown,
): RelayedReply {
  const body = JSON.parse(reply.body.toString('utf8')) as Record<string, unknown>;
  return { ...reply, body: Buffer.from(JSON.stringify(change(body))) };
}

/** The reply without its signature. */
export function unsigned(reply: RelayedReply): RelayedReply {
  const { signature: _signature, 'signature-input': _input, ...headers } = reply.headers;
  return { ...reply, headers };
}

/** The reply signed as if the platform itself had sent it: only for what a broken platform would do. */
export function signedAgain(reply: RelayedReply, request: RequestParts, key: KeyPair): RelayedReply {
  const { headers } = unsigned(reply);
  const created = Math.floor(Date.now() / 1000);
  const signature = signReply({ status: reply.status, headers, request }, reply.body, key, created);
  return { ...reply, headers: { ...headers, ...signature } };
}

async function bytesOf(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts);
}

function singleHeaders({ headers }: IncomingMessage): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, Array.isArray(value) ? value.join(', ') : value]],
    ),
  );
}
