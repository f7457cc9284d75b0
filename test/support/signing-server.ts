import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureTls, type TlsMaterial } from '../../src/platform/tls.ts';
import { generateKeyPair, type KeyPair } from '../../src/wire/keys.ts';
import { signReply, type RequestParts } from '../../src/wire/message-signature.ts';

/** A request as it arrived, body whole. */
export interface Arrived extends RequestParts {
  readonly body: Buffer;
}

/** What the server says. Signed by its own key over exactly this, unless it is told otherwise. */
export interface Said {
  readonly status?: number;
  readonly body?: Buffer | object;
  readonly headers?: Readonly<Record<string, string>>;
  /** Another signer, or none. */
  readonly signer?: KeyPair | 'none';
  /** Signs as the answer to another request. */
  readonly answers?: RequestParts;
  /** Changes what is sent after it was signed. */
  readonly alter?: (sent: { status: number; headers: Record<string, string>; body: Buffer }) => void;
  /** Writes the reply itself: to stall, to break off, to say too much. */
  readonly write?: (response: ServerResponse, headers: Record<string, string>, body: Buffer) => void;
}

export type Script = (request: Arrived) => Said;

/** An HTTPS server on loopback that signs like a platform and does whatever a test tells it. */
export interface SigningServer {
  readonly base: string;
  readonly port: number;
  readonly keyPair: KeyPair;
  readonly caFile: string;
  readonly requests: Arrived[];
  script: Script;
  readonly close: () => Promise<void>;
}

/** Starts one; `tls` overrides what the server speaks. Its certificate is good for localhost and 127.0.0.1. */
export async function startSigningServer(tls: Partial<ServerOptions> = {}): Promise<SigningServer> {
  const directory = mkdtempSync(join(tmpdir(), 'wayfarer-signing-'));
  const material: TlsMaterial = await ensureTls(directory, 'localhost', Date.now());
  const caFile = join(directory, 'trust.pem');
  writeFileSync(caFile, material.caPem);
  const keyPair = generateKeyPair();
  const requests: Arrived[] = [];
  const state: { script: Script } = { script: () => ({ body: {} }) };
  const server = createServer(
    { cert: material.certPem, key: material.keyPem, ...tls },
    (request, response) => {
      void arrived(request).then((seen) => {
        requests.push(seen);
        say(response, seen, state.script(seen), keyPair);
      });
    },
  );
  server.on('tlsClientError', () => undefined);
  const port = await listen(server);
  return {
    base: `https://127.0.0.1:${port}/CloudAgent/`,
    port,
    keyPair,
    caFile,
    requests,
    get script() {
      return state.script;
    },
    set script(script) {
      state.script = script;
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      resolve((server.address() as AddressInfo).port);
    });
  });
}

async function arrived(request: IncomingMessage): Promise<Arrived> {
  const parts: Buffer[] = [];
  for await (const part of request as AsyncIterable<Buffer>) parts.push(part);
  const [path = '', query] = (request.url ?? '').split('?', 2);
  return {
    method: request.method ?? '',
    path,
    query: query === undefined ? '' : `?${query}`,
    headers: request.headers as Record<string, string>,
    body: Buffer.concat(parts),
  };
}

function say(response: ServerResponse, request: Arrived, said: Said, own: KeyPair): void {
  const { status = 200, signer = own } = said;
  const body = Buffer.isBuffer(said.body) ? said.body : Buffer.from(JSON.stringify(said.body ?? {}));
  const headers = { ...said.headers };
  if (signer !== 'none') {
    const bound = { status, headers, request: said.answers ?? request };
    Object.assign(headers, signReply(bound, body, signer, Math.floor(Date.now() / 1000)));
  }
  const sent = { status, headers, body };
  said.alter?.(sent);
  response.statusCode = sent.status;
  for (const [name, value] of Object.entries(sent.headers)) response.setHeader(name, value);
  if (said.write === undefined) response.end(sent.body);
  else said.write(response, sent.headers, sent.body);
}
