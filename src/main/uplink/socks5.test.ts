import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startSigningServer, type SigningServer } from '../../../test/support/signing-server.ts';
import { Socks5Server, type Socks5Setup } from '../../../test/support/socks5-server.ts';
import { Deadline } from './deadline.ts';
import { dial, dialClear } from './dial.ts';
import { failureOf, type Failure } from './failure.ts';
import { ProxyAuthentication } from './proxy-authentication.ts';
import type { ProxyCandidate } from './proxy/candidate.ts';
import { Trust } from './trust.ts';

let server: SigningServer;
let proxy: Socks5Server | undefined;
let rude: Server | undefined;
let login: { username: string; password: string } | undefined;
beforeEach(async () => {
  login = undefined;
  server = await startSigningServer();
});
afterEach(async () => {
  await proxy?.close();
  rude?.close();
  await server.close();
});

/** A proxy that says one thing to everybody. */
async function rudeProxy(say: (socket: Socket) => void): Promise<ProxyCandidate> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    say(socket);
  });
  rude = server;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { protocol: 'socks5', host: '127.0.0.1', port, source: 'configured' };
}

const serving = async (setup?: Socks5Setup): Promise<Socks5Server> =>
  (proxy = await new Socks5Server(setup).start());

async function through(
  candidate: ProxyCandidate,
  host = 'localhost',
  tls = true,
): Promise<Failure | undefined> {
  const deadline = new Deadline(2_000);
  const authentication = new ProxyAuthentication({ credentials: () => Promise.resolve(login) });
  try {
    const dialling = { trust: new Trust(server.caFile), authentication };
    const target = { host, port: server.port };
    (await (tls ? dial : dialClear)(candidate, target, dialling, deadline)).destroy();
    return undefined;
  } catch (error) {
    return failureOf(error);
  } finally {
    deadline.end();
  }
}

describe('a SOCKS5 proxy', () => {
  it('is given names as they are, so that it resolves what this host can not', async () => {
    const socks = await serving({ resolve: () => '127.0.0.1' });
    expect(await through(socks.candidate(), 'platform.invalid', false)).toBeUndefined();
    expect(socks.asked).toEqual(['3 platform.invalid']);
  });

  it('carries TLS with the platform, verified as without it', async () => {
    const socks = await serving({ resolve: () => '127.0.0.1' });
    expect(await through(socks.candidate())).toBeUndefined();
    expect(await through(socks.candidate(), 'other.example')).toMatchObject({
      kind: 'tls',
      code: 'ERR_TLS_CERT_ALTNAME_INVALID',
    });
  });

  it.each([
    ['192.0.2.1', '1 c0000201'],
    ['::1', '4 00000000000000000000000000000001'],
    ['2001:DB8::a:0:1', '4 20010db8000000000000000a00000001'],
    ['::ffff:192.0.2.1', '4 00000000000000000000ffffc0000201'],
    ['fe80::', '4 fe800000000000000000000000000000'],
  ])('is given the address %s as bytes', async (address, asked) => {
    const socks = await serving();
    await through(socks.candidate(), address, false);
    expect(socks.asked).toEqual([asked]);
  });

  it.each([
    [2, 'not allowed by its rules'],
    [4, 'host unreachable'],
    [5, 'connection refused'],
    [99, 'unknown code'],
  ])('that answers %i is told by its answer', async (refuse, words) => {
    const socks = await serving({ refuse });
    expect(await through(socks.candidate())).toEqual({
      kind: 'proxy',
      code: `SOCKS_${refuse}`,
      reason: `the proxy answers: ${words}`,
    });
  });

  it('that wants user and password gets them', async () => {
    login = { username: 'jürgen', password: 'p@ss;w&rd%' };
    const socks = await serving({ ...login, resolve: () => '127.0.0.1' });
    expect(await through(socks.candidate())).toBeUndefined();
    expect(socks.logins).toEqual(['jürgen:p@ss;w&rd%']);
  });

  it('that wants them is told when there are none, too long ones, or wrong ones', async () => {
    const socks = await serving({ username: 'user', password: 'right' });
    const reasons: unknown[] = [];
    for (login of [
      undefined,
      { username: 'user', password: 'x'.repeat(256) },
      { username: 'user', password: 'wrong' },
    ]) {
      const failure = await through(socks.candidate());
      expect(failure).toMatchObject({ kind: 'proxy', code: 'SOCKS_AUTHENTICATION' });
      reasons.push(failure !== undefined && 'reason' in failure && failure.reason);
    }
    expect(reasons).toEqual([
      'the proxy wants user and password, none are set for it',
      'SOCKS5 takes user and password of 1 to 255 bytes each',
      'the proxy refused user and password',
    ]);
    expect(socks.logins).toEqual(['user:wrong']);
  });

  it('that a hint named gets none, even if it asks', async () => {
    login = { username: 'user', password: 'right' };
    const socks = await serving(login);
    expect(await through(socks.candidate('hint'))).toMatchObject({ kind: 'proxy', code: 'SOCKS_METHOD' });
    expect(socks.logins).toEqual([]);
  });

  it.each([
    ['speaks HTTP', 'HTTP/1.1 400 Bad Request\r\n\r\n', 'PROXY_PROTOCOL'],
    ['speaks SOCKS4', '\x00\x5a\x00\x00', 'PROXY_PROTOCOL'],
    ['ends in the middle', '\x05', 'PROXY_PROTOCOL'],
    ['chooses what was not offered', '\x05\x01', 'SOCKS_METHOD'],
    ['answers with an unknown type of address', '\x05\x00\x05\x00\x00\x09', 'PROXY_PROTOCOL'],
  ])('that %s is told so', async (_, bytes, code) => {
    const candidate = await rudeProxy((socket) => socket.end(bytes, 'latin1'));
    expect(await through(candidate)).toMatchObject({ kind: 'proxy', code });
  });

  it('that answers half and then nothing keeps nobody busy and ends with a timeout', async () => {
    const candidate = await rudeProxy((socket) => socket.write('\x05'));
    const before = process.cpuUsage();
    expect(await through(candidate)).toMatchObject({ kind: 'transport', code: 'ETIMEDOUT' });
    expect(process.cpuUsage(before).user).toBeLessThan(1_000_000);
  });
});
