import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { readIdentifier } from './read-identifier.ts';

const ID = '0f8f2f3e-7a0e-4a52-9a3e-0f1b4a6b7c8d';
const servers: Server[] = [];
const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const server of servers.splice(0)) server.close();
});

/** A server that answers whatever it is asked with these bytes; what it was asked stands in `asked`. */
async function answering(bytes: string | undefined): Promise<{ port: number; asked: string[] }> {
  const asked: string[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    socket.on('data', (data) => {
      asked.push(data.toString());
      if (bytes !== undefined) socket.end(bytes);
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as AddressInfo).port, asked };
}

const ok = (body: string) => `HTTP/1.1 200 OK\r\nContent-Length: ${String(body.length)}\r\n\r\n${body}`;
const good = ok(JSON.stringify({ correlationId: ID }));

describe('reading the identifier of a host', () => {
  it('asks by address, whatever the host is called', async () => {
    const { port, asked } = await answering(good);
    expect(await readIdentifier('localhost', [port])).toEqual({
      address: expect.stringMatching(/^(127\.0\.0\.1|::1)$/) as string,
      port,
      correlationId: ID,
    });
    expect(asked[0]).toContain(`Host: 127.0.0.1:${String(port)}\r\n`);
  });

  it('takes the lowest port that shows one, and asks no further', async () => {
    const both = [await answering(good), await answering(good)].sort((a, b) => a.port - b.port);
    const [low, high] = both;
    const ports = [high?.port ?? 0, low?.port ?? 0];
    expect(await readIdentifier('127.0.0.1', ports)).toMatchObject({ port: low?.port });
    expect(high?.asked).toEqual([]);
  });

  it.each([
    ['nothing', undefined, 'no answer in time'],
    ['another protocol', 'SSH-2.0-OpenSSH_9.2\r\n', 'HPE_INVALID_CONSTANT'],
    ['a page', ok('<html></html>'), 'something else answers'],
    ['another identifier', ok('{"correlationId":"me"}'), 'something else answers'],
    ['a refusal', 'HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n', 'status 403'],
    ['a redirect', 'HTTP/1.1 302 Found\r\nLocation: http://elsewhere.example/\r\n\r\n', 'status 302'],
    ['10 MB', ok('x'.repeat(10_000_000)), 'says too much'],
    ['a cut', 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{', 'ECONNRESET'],
  ])('goes on from a port that answers with %s, and says so', async (_, bytes, reason) => {
    const { port } = await answering(bytes);
    expect(await readIdentifier('127.0.0.1', [port], 300)).toEqual({
      address: '127.0.0.1',
      reasons: [`${String(port)}: ${reason}`],
    });
  });

  it('says of a closed port that it refuses', async () => {
    const { port } = await answering(good);
    servers.pop()?.close();
    const read = await readIdentifier('127.0.0.1', [port]);
    expect(read).toMatchObject({ reasons: [`${String(port)}: ECONNREFUSED`] });
  });
});
