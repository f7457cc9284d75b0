import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { createServer as createHttpServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { startSigningServer, type SigningServer } from '../../../test/support/signing-server.ts';
import { failureOf, type Failure } from './failure.ts';
import { DirectTransport, type IncomingReply } from './transport.ts';

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

function transportFor(options: ConstructorParameters<typeof DirectTransport>[0]): DirectTransport {
  const transport = new DirectTransport(options);
  closing.push(() => transport.close());
  return transport;
}

const send = (transport: DirectTransport, url: string, body = ''): Promise<IncomingReply> =>
  transport.send({ method: 'POST', url, headers: {}, body: Buffer.from(body) });

async function failing(transport: DirectTransport, url: string): Promise<Failure> {
  const outcome = await send(transport, url).catch((error: unknown) => error);
  if (!(outcome instanceof Error)) throw new Error('there was an answer');
  return failureOf(outcome);
}

describe('TLS', () => {
  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'R002 R003 %s is spoken with a platform that the CA file vouches for',
    async (version) => {
      const server = await serving({ minVersion: version, maxVersion: version });
      const reply = await send(transportFor({ caFile: server.caFile, timeoutSec: 2 }), server.base);
      expect(reply.status).toBe(200);
    },
  );

  it('R003 a server that speaks nothing newer than TLS 1.1 is refused before a request is sent', async () => {
    const server = await serving({
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1.1',
      ciphers: 'DEFAULT@SECLEVEL=0',
    });
    const failure = await failing(transportFor({ caFile: server.caFile, timeoutSec: 2 }), server.base);
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
    const failure = await failing(transportFor({ timeoutSec: 2 }), `https://127.0.0.1:${port}/`);
    expect(failure.kind).toBe('transport');
    expect(reached).toBe(0);
  });

  it('a CA that is not trusted is refused, and told apart from a network that fails', async () => {
    const server = await serving();
    expect(await failing(transportFor({ timeoutSec: 2 }), server.base)).toMatchObject({ kind: 'tls' });
    expect(server.requests).toEqual([]);
  });

  it('a certificate for another name is refused', async () => {
    const server = await serving();
    // The same address by a name that is not in the certificate.
    const url = server.base.replace('127.0.0.1', '[::ffff:127.0.0.1]');
    const failure = await failing(transportFor({ caFile: server.caFile, timeoutSec: 2 }), url);
    expect(failure).toMatchObject({ kind: 'tls', code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
    expect(server.requests).toEqual([]);
  });

  it('no environment variable switches the checks off', async () => {
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    const server = await serving();
    expect(await failing(transportFor({ timeoutSec: 2 }), server.base)).toMatchObject({ kind: 'tls' });
  });

  it('a CA file that is missing, empty or damaged is refused at once, by name', () => {
    const directory = mkdtempSync(join(tmpdir(), 'wayfarer-ca-'));
    const caFile = join(directory, 'ca.pem');
    try {
      expect(() => new DirectTransport({ caFile, timeoutSec: 1 })).toThrow(caFile);
      for (const text of ['', 'hello', '-----BEGIN CERTIFICATE-----\nrubbish\n-----END CERTIFICATE-----\n']) {
        writeFileSync(caFile, text);
        expect(() => new DirectTransport({ caFile, timeoutSec: 1 })).toThrow(caFile);
      }
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});

describe('a reply', () => {
  const MB = 1024 * 1024;

  it('of 8 MB arrives whole, one of more is broken off', async () => {
    const server = await serving();
    const transport = transportFor({ caFile: server.caFile, timeoutSec: 5 });
    server.script = () => ({ body: Buffer.alloc(8 * MB) });
    expect((await send(transport, server.base)).body).toHaveLength(8 * MB);
    server.script = () => ({ body: Buffer.alloc(9 * MB) });
    expect(await failing(transport, server.base)).toMatchObject({
      kind: 'transport',
      reason: expect.stringContaining('larger than 8388608 bytes') as string,
    });
    server.script = () => ({ body: {} });
    expect((await send(transport, server.base)).status).toBe(200); // the next one is none the worse
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
    const failure = await failing(transportFor({ caFile: server.caFile, timeoutSec: 2 }), server.base);
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
    const reply = await send(transportFor({ caFile: server.caFile, timeoutSec: 2 }), server.base);
    expect(reply.headers['x-twice']).toBe('a, b');
  });
});

describe('waiting', () => {
  it('ends where nobody accepts the TLS handshake', async () => {
    const silent = createServer((socket) => closing.push(() => Promise.resolve(socket.destroy())));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    closing.push(() => new Promise((resolve) => silent.close(resolve)));
    const { port } = silent.address() as AddressInfo;
    const transport = transportFor({ timeoutSec: 0.3 });
    expect(await failing(transport, `https://127.0.0.1:${port}/`)).toMatchObject({ kind: 'transport' });
    await transport.close();
  });

  it('ends where no header comes', async () => {
    const server = await serving();
    server.script = () => ({ write: () => undefined });
    const failure = await failing(transportFor({ caFile: server.caFile, timeoutSec: 0.3 }), server.base);
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
    const failure = await failing(transportFor({ caFile: server.caFile, timeoutSec: 0.2 }), server.base);
    expect(failure).toMatchObject({ kind: 'transport', code: 'TimeoutError' });
  });

  it('ends at once when the transport is closed', async () => {
    const server = await serving();
    const transport = transportFor({ caFile: server.caFile, timeoutSec: 60 });
    const asked = new Promise<void>((resolve) => {
      server.script = () => ({
        write: () => {
          resolve();
        },
      });
    });
    const outcome = failing(transport, server.base);
    await asked;
    await transport.close();
    expect(await outcome).toMatchObject({ kind: 'transport' });
  });
});

describe('a paced body', () => {
  it('arrives whole, with the length that was announced', async () => {
    const server = await serving();
    const transport = transportFor({ caFile: server.caFile, timeoutSec: 2 });
    const body = Buffer.alloc(200_000, 'wayfarer ');
    const reply = await transport.send({
      method: 'PUT',
      url: server.base,
      headers: {},
      body,
      maxKbps: 2_000,
    });
    expect(reply.status).toBe(200);
    const [arrived] = server.requests;
    expect(arrived?.headers['content-length']).toBe('200000');
    expect(arrived?.body.equals(body)).toBe(true);
  });
});
