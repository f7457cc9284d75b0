import { createServer, type AddressInfo } from 'node:net';
import { createServer as createHttpServer } from 'node:http';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { startSigningServer, type SigningServer } from '../../../test/support/signing-server.ts';
import { failureOf, type Failure } from './failure.ts';
import { Connection, type IncomingReply, type OutgoingRequest } from './connection.ts';
import { Deadline } from './deadline.ts';
import { dial } from './dial.ts';
import { ProxyAuthentication } from './proxy-authentication.ts';
import { Trust } from './trust.ts';
import { targetOf } from './tunnel.ts';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const close of closing.splice(0).reverse()) await close();
});

async function serving(...tls: Parameters<typeof startSigningServer>): Promise<SigningServer> {
  const server = await startSigningServer(...tls);
  closing.push(() => server.close());
  return server;
}

interface Way {
  readonly caFile?: string;
  readonly timeoutSec: number;
  readonly signal?: AbortSignal;
}

/** Sends by a direct connection of its own; rejects with what dialling or sending throws. */
async function send(way: Way, url: string, request: Partial<OutgoingRequest> = {}): Promise<IncomingReply> {
  const timeoutMs = way.timeoutSec * 1000;
  const authentication = new ProxyAuthentication({ credentials: () => Promise.resolve(undefined) });
  const deadline = new Deadline(timeoutMs);
  const dialling = { trust: new Trust(way.caFile), authentication };
  const target = targetOf(new URL(url));
  const socket = await dial('direct', target, dialling, deadline).finally(() => {
    deadline.end();
  });
  const connection = new Connection({ name: 'direct', candidate: 'direct' }, new URL(url).origin, socket);
  closing.push(() => connection.close());
  const outgoing = { method: 'POST', url, headers: {}, body: new Uint8Array(), ...request };
  return connection.send(outgoing, timeoutMs, way.signal ?? AbortSignal.timeout(timeoutMs * 10));
}

async function failing(way: Way, url: string): Promise<Failure> {
  const outcome = await send(way, url).catch((error: unknown) => error);
  if (!(outcome instanceof Error)) throw new Error('there was an answer');
  return failureOf(outcome);
}

describe('TLS', () => {
  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'R002 R003 %s is spoken with a platform that the CA file vouches for',
    async (version) => {
      const server = await serving({ minVersion: version, maxVersion: version });
      const reply = await send({ caFile: server.caFile, timeoutSec: 2 }, server.base);
      expect(reply.status).toBe(200);
    },
  );

  it('R003 a server that speaks nothing newer than TLS 1.1 is refused before a request is sent', async () => {
    const server = await serving({
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1.1',
      ciphers: 'DEFAULT@SECLEVEL=0',
    });
    const failure = await failing({ caFile: server.caFile, timeoutSec: 2 }, server.base);
    expect(failure).toMatchObject({ kind: 'transport', code: expect.stringMatching(/SSL|TLS/) as string });
    expect(server.requests).toEqual([]);
  });

  it('R002 a server without TLS gets no request', async () => {
    let reached = 0;
    const plain = createHttpServer((_, response) => {
      reached += 1;
      response.end();
    });
    await new Promise<void>((resolve) => plain.listen(0, '127.0.0.1', resolve));
    closing.push(() => new Promise((resolve) => plain.close(resolve)));
    const { port } = plain.address() as AddressInfo;
    const failure = await failing({ timeoutSec: 2 }, `https://127.0.0.1:${port}/`);
    expect(failure.kind).toBe('transport');
    expect(reached).toBe(0);
  });

  it('a CA that is not trusted is refused, and told apart from a network that fails', async () => {
    const server = await serving();
    expect(await failing({ timeoutSec: 2 }, server.base)).toMatchObject({ kind: 'tls' });
    expect(server.requests).toEqual([]);
  });

  it('a certificate for another name is refused', async () => {
    const server = await serving();
    // The same address by a name that is not in the certificate.
    const url = server.base.replace('127.0.0.1', '[::ffff:127.0.0.1]');
    const failure = await failing({ caFile: server.caFile, timeoutSec: 2 }, url);
    expect(failure).toMatchObject({ kind: 'tls', code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
    expect(server.requests).toEqual([]);
  });

  it('no environment variable switches the checks off', async () => {
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    const server = await serving();
    expect(await failing({ timeoutSec: 2 }, server.base)).toMatchObject({ kind: 'tls' });
  });
});

describe('a reply', () => {
  const MB = 1024 * 1024;

  it('of 8 MB arrives whole, one of more is broken off', async () => {
    const server = await serving();
    const way = { caFile: server.caFile, timeoutSec: 5 };
    server.script = () => ({ body: Buffer.alloc(8 * MB) });
    expect((await send(way, server.base)).body).toHaveLength(8 * MB);
    server.script = () => ({ body: Buffer.alloc(9 * MB) });
    expect(await failing(way, server.base)).toMatchObject({
      kind: 'transport',
      reason: expect.stringContaining('larger than 8388608 bytes') as string,
    });
    server.script = () => ({ body: {} });
    expect((await send(way, server.base)).status).toBe(200); // the next one is none the worse
  });

  it('that breaks off in the middle is none', async () => {
    const server = await serving();
    server.script = () => ({
      body: Buffer.alloc(1000),
      write: (response, _, body) => {
        response.setHeader('content-length', body.length);
        response.write(body.subarray(0, 500), () => response.destroy());
      },
    });
    const failure = await failing({ caFile: server.caFile, timeoutSec: 2 }, server.base);
    expect(failure.kind).toBe('transport');
  });

  it('joins headers that come twice', async () => {
    const server = await serving();
    server.script = () => ({
      write: (response) => {
        response.setHeader('x-twice', ['a', 'b']);
        response.end();
      },
    });
    const reply = await send({ caFile: server.caFile, timeoutSec: 2 }, server.base);
    expect(reply.headers['x-twice']).toBe('a, b');
  });
});

describe('waiting', () => {
  it('ends where nobody accepts the TLS handshake', async () => {
    const silent = createServer((socket) => closing.push(() => Promise.resolve(socket.destroy())));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    closing.push(() => new Promise((resolve) => silent.close(resolve)));
    const { port } = silent.address() as AddressInfo;
    expect(await failing({ timeoutSec: 0.3 }, `https://127.0.0.1:${port}/`)).toEqual({
      kind: 'transport',
      code: 'ETIMEDOUT',
      reason: `TLS with 127.0.0.1:${port} took longer than 0.3 s`,
    });
  });

  it('ends where no header comes', async () => {
    const server = await serving();
    server.script = () => ({ write: () => undefined });
    const failure = await failing({ caFile: server.caFile, timeoutSec: 0.3 }, server.base);
    expect(failure).toMatchObject({ kind: 'transport', code: 'UND_ERR_HEADERS_TIMEOUT' });
  });

  it('ends where a byte comes now and then, for ever', async () => {
    const server = await serving();
    server.script = () => ({
      write: (response) => {
        const timer = setInterval(() => response.write(' '), 50);
        response.on('close', () => {
          clearInterval(timer);
        });
      },
    });
    const failure = await failing({ caFile: server.caFile, timeoutSec: 0.2 }, server.base);
    expect(failure).toMatchObject({ kind: 'transport', code: 'TimeoutError' });
  });

  it('ends at once when the exchange is ended', async () => {
    const server = await serving();
    const ending = new AbortController();
    const asked = new Promise<void>((resolve) => {
      server.script = () => ({
        write: () => {
          resolve();
        },
      });
    });
    const outcome = failing({ caFile: server.caFile, timeoutSec: 60, signal: ending.signal }, server.base);
    await asked;
    ending.abort();
    expect(await outcome).toMatchObject({ kind: 'transport', code: 'AbortError' });
  });
});

describe('a body', () => {
  it.each([
    ['that is paced', 200_000, 2_000],
    ['that leaves in parts', 200_000, 0],
    ['that leaves at once', 2_000, 0],
  ])('%s arrives whole, with the length that was announced', async (_, size, maxKbps) => {
    const server = await serving();
    const body = Buffer.alloc(size, 'wayfarer ');
    const way = { caFile: server.caFile, timeoutSec: 2 };
    const reply = await send(way, server.base, { method: 'PUT', body, maxKbps });
    expect(reply.status).toBe(200);
    const [arrived] = server.requests;
    expect(arrived?.headers['content-length']).toBe(`${size}`);
    expect(arrived?.body.equals(body)).toBe(true);
  });
});
