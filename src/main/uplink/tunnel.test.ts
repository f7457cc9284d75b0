import { appendFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { issueCertificate } from '../../../test/support/certificates.ts';
import {
  authenticationRequired,
  authorizationOf,
  ScriptedProxy,
  type ProxySays,
} from '../../../test/support/scripted-proxy.ts';
import { startSigningServer, type SigningServer } from '../../../test/support/signing-server.ts';
import { Deadline } from './deadline.ts';
import { dial } from './dial.ts';
import { failureOf, type Failure } from './failure.ts';
import { ProxyAuthentication, type NegotiateContext, type ProxyAccess } from './proxy-authentication.ts';
import type { ProxyCandidate } from './proxy/candidate.ts';
import { Trust } from './trust.ts';

let server: SigningServer;
let proxy: ScriptedProxy;
let authentication: ProxyAuthentication;
beforeEach(async () => {
  server = await startSigningServer();
  proxy = await new ScriptedProxy().start();
  authentication = authenticationWith({ credentials: () => Promise.resolve(undefined) });
});
afterEach(async () => {
  await proxy.close();
  await server.close();
});

const authenticationWith = (access: ProxyAccess): ProxyAuthentication => new ProxyAuthentication(access);

/** Dials the server through the proxy; the failure, or `undefined` when TLS with the server stands. */
async function failureThrough(candidate: ProxyCandidate, timeoutMs = 2_000): Promise<Failure | undefined> {
  const deadline = new Deadline(timeoutMs);
  try {
    const target = { host: '127.0.0.1', port: server.port };
    const dialling = { trust: new Trust(server.caFile), authentication };
    (await dial(candidate, target, dialling, deadline)).destroy();
    return undefined;
  } catch (error) {
    return failureOf(error);
  } finally {
    deadline.end();
  }
}

const through = (timeoutMs?: number): Promise<Failure | undefined> =>
  failureThrough(proxy.candidate(), timeoutMs);

const answering = (bytes: string, end = false) => {
  proxy.script = (): ProxySays => ({ bytes, end });
};

describe('a proxy', () => {
  it('is asked for host and port of the platform, and told nothing else', async () => {
    expect(await through()).toBeUndefined();
    expect(proxy.heads).toHaveLength(1);
    const [{ head } = { head: '' }] = proxy.heads;
    expect(head.split('\r\n').filter(Boolean).sort()).toEqual([
      `CONNECT 127.0.0.1:${server.port} HTTP/1.1`,
      'connection: keep-alive',
      `host: 127.0.0.1:${server.port}`,
      'proxy-connection: keep-alive',
    ]);
  });

  it.each(['403 Forbidden', '502 Bad Gateway', '302 Found', '100 Continue'])(
    'that answers %s is told by its status',
    async (status) => {
      answering(`HTTP/1.1 ${status}\r\nContent-Length: 0\r\n\r\n`);
      expect(await through()).toEqual({
        kind: 'proxy',
        code: `PROXY_${status.slice(0, 3)}`,
        reason: `the proxy refuses to connect: ${status}`,
      });
    },
  );

  it('that writes escape codes and pages of text into its status has them cut', async () => {
    answering(`HTTP/1.1 503 \x1b[31m${'x'.repeat(5_000)}\r\n\r\n`);
    const failure = await through();
    expect(failure?.kind).toBe('proxy');
    expect(JSON.stringify(failure).length).toBeLessThan(300);
    expect(JSON.stringify(failure)).not.toContain('\\u001b');
  });

  it.each<[string, ProxySays]>([
    ['sends garbage', { bytes: '\x00\xffnonsense\r\n\r\n' }],
    ['ends without an answer', 'drop'],
    ['sends headers without an end', { bytes: `HTTP/1.1 200 OK\r\n${'x: y\r\n'.repeat(10_000)}` }],
    ['sends one header without an end', { bytes: `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(100_000)}` }],
  ])('that %s is one that does not speak as a proxy', async (_, says) => {
    proxy.script = () => says;
    expect(await through()).toMatchObject({ kind: 'proxy', code: 'PROXY_PROTOCOL' });
  });

  it('that is silent ends with a timeout that names the step', async () => {
    proxy.script = () => 'silent';
    expect(await through(300)).toEqual({
      kind: 'transport',
      code: 'ETIMEDOUT',
      reason: `CONNECT through http://127.0.0.1:${proxy.port} took longer than 0.3 s`,
    });
  });

  it('that answers a byte at a time is not waited for beyond the limit', async () => {
    proxy.script = () => ({ bytes: 'HTTP/1.1 ' });
    expect(await through(300)).toMatchObject({ kind: 'transport', code: 'ETIMEDOUT' });
  });

  it('that nobody listens at is a connection that fails', async () => {
    const candidate = proxy.candidate();
    await proxy.close();
    expect(await failureThrough(candidate)).toMatchObject({ kind: 'transport', code: 'ECONNREFUSED' });
    proxy = await new ScriptedProxy().start();
  });
});

describe('a proxy that speaks TLS', () => {
  const secured = async (names: string[]): Promise<{ proxy: ScriptedProxy; ca: string }> => {
    const { cert, key, ca } = await issueCertificate({ issuer: 'CN=Proxy CA', subject: 'CN=proxy', names });
    await proxy.close();
    proxy = await new ScriptedProxy({ cert, key }).start();
    return { proxy, ca };
  };

  it('is used when the CA file vouches for it, and TLS with the platform runs inside', async () => {
    const { ca } = await secured(['127.0.0.1']);
    appendFileSync(server.caFile, ca);
    expect(await through()).toBeUndefined();
  });

  it('is refused before it is asked for anything when nobody vouches for it', async () => {
    await secured(['127.0.0.1']);
    const failure = await through();
    expect(failure).toMatchObject({ kind: 'proxy', code: 'PROXY_TLS' });
    expect(failure).toMatchObject({ reason: expect.stringContaining('UNABLE_TO_VERIFY') as string });
    expect(proxy.heads).toEqual([]);
  });

  it('is refused when its certificate is for another name', async () => {
    const { ca } = await secured(['elsewhere.example']);
    appendFileSync(server.caFile, ca);
    expect(await through()).toMatchObject({
      kind: 'proxy',
      code: 'PROXY_TLS',
      reason: expect.stringContaining('ERR_TLS_CERT_ALTNAME_INVALID') as string,
    });
  });
});

describe('a proxy that asks for Basic', () => {
  const password = 'p@ss;w&rd%:ü€';
  const good = `Basic ${Buffer.from(`user:${password}`).toString('base64')}`;
  let asked: number;
  beforeEach(() => {
    asked = 0;
    authentication = authenticationWith({
      credentials: () => {
        asked += 1;
        return Promise.resolve({ username: 'user', password });
      },
    });
    proxy.script = (head) =>
      authorizationOf(head) === good ? 'tunnel' : authenticationRequired('Basic realm="x"');
  });

  it('R265 gets user and password only then, on the same connection', async () => {
    expect(await failureThrough(proxy.candidate('PAC'))).toBeUndefined();
    expect(proxy.heads.map(({ head }) => authorizationOf(head))).toEqual([undefined, good]);
    expect(proxy.connections).toBe(1);
  });

  it('gets them with the first request of the next connection', async () => {
    await through();
    await through();
    expect(proxy.heads.map(({ head }) => authorizationOf(head))).toEqual([undefined, good, good]);
    expect(asked).toBe(2);
  });

  it.each(['hint', 'WPAD'] as const)('never gets them when it comes from %s', async (source) => {
    expect(await failureThrough(proxy.candidate(source))).toMatchObject({
      kind: 'proxy',
      code: 'PROXY_407',
      schemes: ['Basic'],
      reason: expect.stringContaining(`a proxy from ${source} gets no credentials`) as string,
    });
    expect(asked).toBe(0);
    expect(proxy.heads).toHaveLength(1);
  });

  it('is connected to again when it ends the connection with its 407', async () => {
    const { bytes } = authenticationRequired('Basic realm="x"') as { bytes: string };
    for (const field of ['Connection: close', 'Transfer-Encoding: chunked', 'Content-Length: 999999']) {
      proxy.heads.length = 0;
      authentication = authenticationWith({
        credentials: () => Promise.resolve({ username: 'user', password }),
      });
      const refusal = bytes.replace('Content-Length: 5', field);
      proxy.script = (head) => (authorizationOf(head) === good ? 'tunnel' : { bytes: refusal, end: true });
      expect(await through()).toBeUndefined();
      expect(proxy.heads[0]?.connection).not.toBe(proxy.heads[1]?.connection);
    }
  });

  it('is told when it refuses them, and asked without them the next time', async () => {
    proxy.script = () => authenticationRequired('Basic realm="x"');
    expect(await through()).toEqual({
      kind: 'proxy',
      code: 'PROXY_407',
      schemes: ['Basic'],
      reason: 'the proxy wants authentication, offers Basic: it refused user and password',
    });
    expect(proxy.heads).toHaveLength(2);
  });

  it('is told when there are none, or they can not be read', async () => {
    authentication = authenticationWith({ credentials: () => Promise.resolve(undefined) });
    expect(await through()).toMatchObject({
      reason: expect.stringContaining('no user and password are set') as string,
    });
    authentication = authenticationWith({
      credentials: () => Promise.reject(new Error('the keychain is locked')),
    });
    expect(await through()).toMatchObject({
      reason: expect.stringContaining('the keychain is locked') as string,
    });
  });
});

describe('a proxy that asks for Negotiate', () => {
  let closed: number;
  const negotiating = (step: NegotiateContext['step']): void => {
    closed = 0;
    authentication = authenticationWith({
      credentials: () => Promise.resolve({ username: 'user', password: 'secret' }),
      negotiate: () => ({ step, close: () => (closed += 1) }),
    });
  };

  it('is answered leg by leg on one connection', async () => {
    negotiating((fromProxy) => Promise.resolve(fromProxy === undefined ? 'Zmlyc3Q=' : `after${fromProxy}`));
    proxy.script = (head) => {
      if (authorizationOf(head) === 'Negotiate aftermore') return 'tunnel';
      return authenticationRequired(
        authorizationOf(head) === undefined ? 'Negotiate' : 'Negotiate more',
        'Basic realm="x"',
      );
    };
    expect(await through()).toBeUndefined();
    expect(proxy.heads.map(({ head }) => authorizationOf(head))).toEqual([
      undefined,
      'Negotiate Zmlyc3Q=',
      'Negotiate aftermore',
    ]);
    expect(proxy.connections).toBe(1);
    expect(closed).toBe(1);
  });

  it('gets Basic instead, where it offers that too, when there is no ticket', async () => {
    negotiating(() => Promise.reject(new Error('no ticket')));
    proxy.script = (head) =>
      authorizationOf(head)?.startsWith('Basic ') === true
        ? 'tunnel'
        : authenticationRequired('Negotiate', 'Basic realm="x"');
    expect(await through()).toBeUndefined();
    expect(closed).toBe(1);
  });

  it('is told why there is no token', async () => {
    negotiating(() => Promise.reject(new Error('no ticket')));
    proxy.script = () => authenticationRequired('Negotiate', 'NTLM');
    expect(await through()).toEqual({
      kind: 'proxy',
      code: 'PROXY_407',
      schemes: ['Negotiate', 'NTLM'],
      reason: 'the proxy wants authentication, offers Negotiate, NTLM: no ticket',
    });
  });

  it('is left after eight legs that lead nowhere', async () => {
    negotiating(() => Promise.resolve('token'));
    proxy.script = () => authenticationRequired('Negotiate again');
    expect(await through()).toMatchObject({ kind: 'proxy', code: 'PROXY_PROTOCOL' });
    expect(proxy.heads).toHaveLength(8);
    expect(closed).toBeGreaterThan(0);
  });

  it('is told when it ends the connection in the middle', async () => {
    negotiating(() => Promise.resolve('token'));
    proxy.script = (_, request) => {
      const { bytes } = authenticationRequired('Negotiate again') as { bytes: string };
      return request === 1
        ? { bytes }
        : { bytes: bytes.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n') };
    };
    expect(await through()).toMatchObject({
      code: 'PROXY_PROTOCOL',
      reason: expect.stringContaining('in the middle of Negotiate') as string,
    });
  });
});
