import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { endpoint, ENDPOINT_LIMITS, type EndpointLimits } from './endpoint.ts';
import { exchange, request } from './testing/client.ts';

const ID = '0f8f2f3e-7a0e-4a52-9a3e-0f1b4a6b7c8d';
const BODY = JSON.stringify({ correlationId: ID });
const ASK = request('127.0.0.1');

let server: Server | undefined;
const connections = new Set<Socket>();
afterEach(() => {
  for (const socket of connections) socket.destroy();
  connections.clear();
  server?.close();
});

/** An endpoint on a free port; what it has open counts in `connections`. */
async function listen(limits: Partial<EndpointLimits> = {}): Promise<number> {
  const take = endpoint(ID, { ...ENDPOINT_LIMITS, ...limits });
  server = createServer({ allowHalfOpen: true }, (socket) => {
    connections.add(socket);
    socket.once('close', () => connections.delete(socket));
    take(socket);
  });
  await new Promise<void>((resolve) => server?.listen(0, '::', resolve));
  return (server.address() as AddressInfo).port;
}

const statusOf = (text: string): string => /^HTTP\/1\.1 (\d+)/.exec(text)?.[1] ?? text;

describe('the endpoint', () => {
  it('R270 answers a scanner over IPv4 and IPv6 with the identifier, and nothing may keep it', async () => {
    const port = await listen();
    for (const [host, name] of [
      ['127.0.0.1', '127.0.0.1'],
      ['::1', '[::1]'],
    ] as const) {
      const { text, reset } = await exchange(port, request(`${name}:${String(port)}`), host);
      const [head = '', body] = text.split('\r\n\r\n');
      expect([reset, body]).toEqual([false, BODY]);
      expect(head.split('\r\n').slice(1).sort()).toEqual([
        'cache-control: no-store',
        'connection: close',
        `content-length: ${String(BODY.length)}`,
        'content-type: application/json',
        'cross-origin-resource-policy: same-origin',
        'x-content-type-options: nosniff',
      ]);
    }
  });

  it('answers HEAD without a body, and a client of HTTP/1.0', async () => {
    const port = await listen();
    expect((await exchange(port, ASK.replace('GET', 'HEAD'))).text).toMatch(/\r\n\r\n$/);
    expect((await exchange(port, 'GET / HTTP/1.0\r\n\r\n')).text.endsWith(BODY)).toBe(true);
  });

  it('answers one request of a connection and closes it', async () => {
    const port = await listen();
    const { text } = await exchange(port, ASK + ASK + ASK);
    expect(text.split(ID)).toHaveLength(2);
  });

  it('is not moved by an offer to change the protocol, a wish to continue or a tunnel', async () => {
    const port = await listen();
    const upgrade = await exchange(
      port,
      request('127.0.0.1', 'Connection: Upgrade\r\nUpgrade: websocket\r\n'),
    );
    expect(upgrade.text.endsWith(BODY)).toBe(true);
    for (const wish of ['100-continue', 'wonders']) {
      const { text } = await exchange(port, request('127.0.0.1', `Expect: ${wish}\r\nContent-Length: 5\r\n`));
      expect([statusOf(text), text.endsWith(BODY)]).toEqual(['200', true]);
    }
    expect((await exchange(port, 'CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n')).text).toBe('');
  });

  it.each([
    ['another protocol', '\x16\x03\x01\x02\x00\x01\x00'],
    ['no host in HTTP/1.1', 'GET / HTTP/1.1\r\n\r\n'],
    ['two framings', request('127.0.0.1', 'Content-Length: 3\r\nTransfer-Encoding: chunked\r\n')],
    ['line feeds within a field', request('127.0.0.1', 'A: b\n c\r\n')],
    ['a NUL', 'GET /\0 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n'],
  ])('refuses %s and closes', async (_, bytes) => {
    const port = await listen();
    expect(statusOf((await exchange(port, bytes)).text)).toBe('400');
  });
});

describe('a hostile client', () => {
  it('is refused with more than 2 KB of header fields', async () => {
    const port = await listen();
    const just = request('127.0.0.1', `A: ${'a'.repeat(1900)}\r\n`);
    expect(statusOf((await exchange(port, just)).text)).toBe('200');
    const over = request('127.0.0.1', `A: ${'a'.repeat(2100)}\r\n`);
    expect(statusOf((await exchange(port, over)).text)).toBe('431');
    expect(statusOf((await exchange(port, `GET /${'a'.repeat(3000)} HTTP/1.1\r\n`)).text)).toBe('431');
  });

  it('is cut off after the deadline when it sends nothing, or a byte at a time', async () => {
    const connectionMs = 300;
    const port = await listen({ connectionMs });
    const began = performance.now();
    const slow = new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1');
      const drip = setInterval(() => socket.write('G'), 20);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        clearInterval(drip);
        resolve(performance.now() - began);
      });
    });
    expect(await exchange(port, '')).toMatchObject({ text: '' });
    expect(await exchange(port, 'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nA')).toMatchObject({ text: '' });
    expect(await slow).toBeLessThan(10 * connectionMs);
    await expect.poll(() => connections.size).toBe(0);
  });

  it('that neither reads its answer nor ends its side is cut off, too', async () => {
    const port = await listen();
    const closed = new Promise<void>((resolve) => {
      server?.once('connection', (socket) => socket.once('close', resolve));
    });
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    socket.on('error', () => undefined);
    socket.pause();
    socket.write(ASK);
    await closed;
    socket.destroy();
  });

  it('with 100 MB is answered, and its bytes are not read', async () => {
    const port = await listen();
    const body = Buffer.alloc(100 * 1024 * 1024, 97);
    const head = `POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: ${String(body.length)}\r\n\r\n`;
    expect(statusOf((await exchange(port, `${head}a`)).text)).toBe('405');
    const bytesRead = new Promise<number>((resolve) => {
      server?.once('connection', (socket) => {
        socket.once('close', () => {
          resolve(socket.bytesRead);
        });
      });
    });
    body.write(head);
    await exchange(port, body);
    expect(await bytesRead).toBeLessThan(2 * 1024 * 1024);
  });

  it('has no more connections at a time than its share, while another address is served', async () => {
    const port = await listen({ perAddress: 3, perSecondAndAddress: 100 });
    const idle = Array.from({ length: 20 }, () => exchange(port, ''));
    await expect.poll(() => connections.size).toBe(3);
    expect((await exchange(port, request('[::1]'), '::1')).text.endsWith(BODY)).toBe(true);
    expect((await exchange(port, ASK)).text).toBe('');
    for (const socket of connections) socket.destroy();
    await Promise.all(idle);
    expect((await exchange(port, ASK)).text.endsWith(BODY)).toBe(true);
  });

  it('that floods gets ten answers a second', async () => {
    const port = await listen({ perAddress: 1_000, connections: 1_000 });
    const began = Math.floor(performance.now() / 1000);
    const answers = await Promise.all(Array.from({ length: 300 }, () => exchange(port, ASK)));
    const seconds = Math.floor(performance.now() / 1000) - began + 1;
    const served = answers.filter(({ text }) => text.includes(ID)).length;
    expect(served).toBeGreaterThanOrEqual(10);
    expect(served).toBeLessThanOrEqual(10 * seconds);
  });
});
