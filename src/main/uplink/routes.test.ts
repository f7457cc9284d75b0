import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { authenticationRequired, ScriptedProxy } from '../../../test/support/scripted-proxy.ts';
import { startSigningServer, type SigningServer } from '../../../test/support/signing-server.ts';
import { Socks5Server } from '../../../test/support/socks5-server.ts';
import { z } from 'zod';
import { generateKeyPair } from '../../wire/keys.ts';
import { PlatformClient, type ClientOptions, type Exchange } from './client.ts';
import type { Failure } from './failure.ts';
import type { Candidate, ProxyCandidate } from './proxy/candidate.ts';
import type { TriedRoute } from './route.ts';
import { clientOptions } from './testing/client-options.ts';
import { recordingLog } from './testing/recording-log.ts';

const AGENT = '0f8fad5b-d9cb-469f-a165-70867728950e';
const keyPair = generateKeyPair();
const BEAT: Exchange<unknown> = { method: 'POST', path: 'v1/beat', body: {}, reply: z.unknown() };

let server: SigningServer;
let first: ScriptedProxy;
let second: ScriptedProxy;
let client: PlatformClient | undefined;
let lines: string[];
let reported: (readonly TriedRoute[])[];
beforeEach(async () => {
  server = await startSigningServer();
  first = await new ScriptedProxy().start();
  second = await new ScriptedProxy().start();
  reported = [];
});
afterEach(async () => {
  await client?.close();
  await first.close();
  await second.close();
  await server.close();
});

function clientBy(candidates: readonly Candidate[], more: Partial<ClientOptions> = {}): PlatformClient {
  const recording = recordingLog();
  lines = recording.lines;
  const onRoutes: ClientOptions['onRoutes'] = (tried) => reported.push(tried);
  const options = { candidates, log: recording.log, onRoutes, ...more };
  client = new PlatformClient(clientOptions(server.base, server.caFile, options));
  return client;
}

const caller = () => ({
  customerId: AGENT,
  agentId: AGENT,
  keyPair,
  platformKey: server.keyPair.publicKey,
});

async function failing(by: PlatformClient, exchange = BEAT): Promise<Failure> {
  const result = await by.exchange(caller(), exchange);
  if (result.ok) throw new Error('it succeeded');
  return result.failure;
}

const both = (): ProxyCandidate[] => [first.candidate(), second.candidate('PAC')];
const nonces = (): (string | undefined)[] =>
  server.requests.map(({ headers }) => /nonce="([^"]+)"/.exec(headers['signature-input'] ?? '')?.[1]);

/** A port of loopback where nobody listens. */
async function deadProxy(): Promise<ProxyCandidate> {
  const proxy = await new ScriptedProxy().start();
  const candidate = proxy.candidate();
  await proxy.close();
  return candidate;
}

describe('the routes of a new connection', () => {
  it('R260 R266 are tried in their order, the next one when a proxy can not be reached (rule 10)', async () => {
    const dead = await deadProxy();
    const by = clientBy([dead, second.candidate('PAC'), 'direct']);
    expect(await by.exchange(caller(), BEAT)).toMatchObject({ ok: true });
    expect(by.route).toBe('proxy#2');
    expect(by.lastAttempts).toMatchObject([
      { route: 'proxy#1', proxy: `http://127.0.0.1:${dead.port}`, source: 'configured', ok: false },
      { route: 'proxy#2', proxy: `http://127.0.0.1:${second.port}`, source: 'PAC', ok: true },
    ]);
  });

  it.each<[string, () => void]>([
    ['refuses', () => (first.script = () => ({ bytes: 'HTTP/1.1 403 Forbidden\r\n\r\n' }))],
    [
      'wants authentication that there is none for',
      () => (first.script = () => authenticationRequired('Basic')),
    ],
    ['sends garbage', () => (first.script = () => ({ bytes: 'what?\r\n\r\n' }))],
    ['is silent', () => (first.script = () => 'silent')],
    ['ends', () => (first.script = () => 'drop')],
  ])('R260 go on to the next proxy when the first one %s (rule 10)', async (_, become) => {
    become();
    const by = clientBy(both(), { timeoutSec: () => 0.5 });
    expect(await by.exchange(caller(), BEAT)).toMatchObject({ ok: true });
    expect(by.route).toBe('proxy#2');
    expect(server.requests).toHaveLength(1);
  });

  it('R261 end with the direct one, where the resolver gives it (rule 10)', async () => {
    const by = clientBy([await deadProxy(), await deadProxy(), 'direct']);
    expect(await by.exchange(caller(), BEAT)).toMatchObject({ ok: true });
    expect(by.route).toBe('direct');
    expect(by.lastAttempts.map(({ ok }) => ok)).toEqual([false, false, true]);
  });

  it('end without the direct one where the resolver does not give it', async () => {
    const by = clientBy([await deadProxy(), await deadProxy()]);
    const failure = await failing(by);
    expect(failure).toMatchObject({ kind: 'transport', code: 'ECONNREFUSED' });
    expect(failure).toMatchObject({
      reason: expect.stringMatching(/\(proxy#2\); proxy#1: ECONNREFUSED/) as string,
    });
    expect(server.requests).toEqual([]);
  });

  it('R262 start with the first proxy each time, though it failed the last time (rule 10)', async () => {
    first.script = () => ({ bytes: 'HTTP/1.1 503 Busy\r\n\r\n' });
    const by = clientBy(both());
    for (let n = 1; n <= 3; n += 1) {
      await by.exchange(caller(), BEAT);
      expect(first.heads).toHaveLength(n);
      by.reset();
    }
    first.script = () => 'tunnel';
    await by.exchange(caller(), BEAT);
    expect(by.route).toBe('proxy#1');
  });

  it('R263 R264 may lead over two ports of one proxy, and over different protocols', async () => {
    const socks = await new Socks5Server().start();
    first.script = () => 'drop';
    const by = clientBy([first.candidate(), socks.candidate(), 'direct']);
    expect(await by.exchange(caller(), BEAT)).toMatchObject({ ok: true });
    expect(by.route).toBe('proxy#2');
    await by.close();
    await socks.close();
  });
});

describe('a reply', () => {
  it.each([200, 400, 404, 429, 500, 503])(
    'of status %i that the platform signed ends the exchange: no other route is tried (rule 10)',
    async (status) => {
      const error = { error: { code: 'BUSY', message: 'm' }, serverTime: '2026-11-20T12:00:00Z' };
      server.script = () => ({ status, body: error });
      const by = clientBy(both());
      await by.exchange(caller(), BEAT);
      expect(server.requests).toHaveLength(1);
      expect(second.heads).toEqual([]);
    },
  );

  it('R222 that does not verify goes on to the next route, signed anew, and obeys nothing', async () => {
    const stranger = generateKeyPair();
    server.script = () => (server.requests.length === 1 ? { signer: stranger } : {});
    const by = clientBy(both());
    expect(await by.exchange(caller(), BEAT)).toMatchObject({ ok: true });
    expect(by.route).toBe('proxy#2');
    expect(server.requests).toHaveLength(2);
    expect(new Set(nonces()).size).toBe(2);
  });

  it('with a signature but a strange content is the platform talking: no other route is tried', async () => {
    server.script = () => ({ body: { value: 'seven' } });
    const by = clientBy(both());
    const exchange = { ...BEAT, reply: z.object({ value: z.number() }) };
    expect(await failing(by, exchange)).toMatchObject({ kind: 'unverified', signed: true });
    expect(server.requests).toHaveLength(1);
  });
});

describe('an open connection', () => {
  it('serves the next exchange without asking for routes', async () => {
    let resolved = 0;
    const resolver: ClientOptions['resolver'] = {
      resolve: () => {
        resolved += 1;
        return Promise.resolve({ candidates: [first.candidate()], problems: [] });
      },
    };
    const by = clientBy([], { resolver });
    for (let n = 0; n < 3; n += 1) await by.exchange(caller(), BEAT);
    expect(resolved).toBe(1);
    expect(first.connections).toBe(1);
    expect(reported.map((tried) => tried.length)).toEqual([1, 0, 0]);
  });

  it('R262 that has ended is no memory: the first proxy is asked again, with a body of its own', async () => {
    first.script = () => 'drop';
    const by = clientBy(both());
    const bodies: string[] = [];
    const exchange: Exchange<unknown> = {
      method: 'POST',
      path: 'v1/beat',
      reply: z.unknown(),
      bodyFor: (route) => {
        bodies.push(route);
        return { counter: bodies.length };
      },
    };
    await by.exchange(caller(), exchange);
    first.script = () => 'tunnel';
    let dropped = 0;
    server.script = () => {
      dropped += 1;
      return dropped === 1 ? { write: (response) => response.destroy() } : {};
    };
    expect(await by.exchange(caller(), exchange)).toMatchObject({ ok: true });
    expect(by.route).toBe('proxy#1');
    expect(bodies).toEqual(['proxy#2', 'proxy#2', 'proxy#1']);
    expect(server.requests.map(({ body }) => body.toString())).toEqual(
      [1, 2, 3].map((counter) => JSON.stringify({ counter })),
    );
  });

  it('is ended by a reset, and so is an exchange under way, without trying another route', async () => {
    const asked = new Promise<void>((resolve) => {
      server.script = () => ({
        write: () => {
          resolve();
        },
      });
    });
    const by = clientBy(both(), { timeoutSec: () => 60 });
    const outcome = failing(by);
    await asked;
    by.reset();
    expect(await outcome).toMatchObject({ kind: 'transport', code: 'ECANCELED' });
    expect(second.heads).toEqual([]);
    server.script = () => ({});
    expect(await by.exchange(caller(), BEAT)).toMatchObject({ ok: true });
    expect(first.connections).toBe(2);
  });
});

describe('the log of routes', () => {
  it('R259 R282 R283 holds one line for each attempt, every failed one with all routes and their sources', async () => {
    first.script = () => ({ bytes: 'HTTP/1.1 403 Forbidden\r\n\r\n' });
    const by = clientBy([...both(), 'direct']);
    await by.exchange(caller(), BEAT);
    await by.exchange(caller(), BEAT);
    const [one, two] = [`http://127.0.0.1:${first.port}`, `http://127.0.0.1:${second.port}`];
    expect(lines.map((line) => line.replace(/\d+ ms/, '… ms'))).toEqual([
      `error: Http request failed: PROXY_403 the proxy refuses to connect: 403 Forbidden: POST v1/beat via proxy#1 ${one} (configured) (… ms), routes: proxy#1 ${one} (configured), proxy#2 ${two} (PAC), direct`,
      'info: Http request: POST v1/beat via proxy#2, Http status code: 200 (2 B, … ms)',
      'info: Http request: POST v1/beat via proxy#2, Http status code: 200 (2 B, … ms)',
    ]);
  });

  it('R259 holds the routes with the second failure as well, and with one of a connection that was kept', async () => {
    const [one, two] = [`http://127.0.0.1:${first.port}`, `http://127.0.0.1:${second.port}`];
    const routes = `, routes: proxy#1 ${one} (configured), proxy#2 ${two} (PAC)`;
    const by = clientBy(both());
    await by.exchange(caller(), BEAT);
    lines.length = 0;
    server.script = () => ({ status: 500 });
    await failing(by);
    expect(lines).toEqual([expect.stringMatching(/via proxy#1 .*, Http status code: 500/)]);
    expect(lines[0]?.endsWith(routes)).toBe(true);
    by.reset();
    lines.length = 0;
    first.script = second.script = () => ({ bytes: 'HTTP/1.1 403 Forbidden\r\n\r\n' });
    await failing(by);
    expect(lines).toHaveLength(2);
    for (const line of lines) expect(line.endsWith(routes)).toBe(true);
  });

  it('R259 holds one line with the routes where the first one serves', async () => {
    const by = clientBy(both());
    await by.exchange(caller(), BEAT);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(
      /^info: Http request: POST v1\/beat via proxy#1, Http status code: 200 \(.*\), routes: proxy#1 .* \(configured\), proxy#2 .* \(PAC\)$/,
    );
  });

  it('holds no credentials', async () => {
    first.script = () => authenticationRequired('Basic realm="x"');
    const access = { credentials: () => Promise.resolve({ username: 'joe', password: 'secret-123' }) };
    await clientBy([first.candidate()], { access }).exchange(caller(), BEAT);
    const text = lines.join('\n');
    expect(text).toContain('refused user and password');
    expect(text).not.toContain('secret-123');
    expect(text).not.toContain(Buffer.from('joe:secret-123').toString('base64'));
  });
});

describe('the limits of time', () => {
  it('follow the profile from one exchange to the next', async () => {
    let seconds = 60;
    server.script = () => ({ write: () => undefined });
    const by = clientBy(['direct'], { timeoutSec: () => seconds });
    seconds = 0.2;
    expect(await failing(by)).toMatchObject({ kind: 'transport', code: 'UND_ERR_HEADERS_TIMEOUT' });
  });

  it('leave a slow route for the next one, and end the whole exchange', async () => {
    server.script = () => ({
      write: (response) => {
        const timer = setInterval(() => response.write(' '), 20);
        response.on('close', () => {
          clearInterval(timer);
        });
      },
    });
    const by = clientBy(both(), { timeoutSec: () => 0.1 });
    const startedAt = performance.now();
    const failure = await failing(by);
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    expect(failure).toMatchObject({ kind: 'transport', code: 'ETIMEDOUT' });
    expect(by.lastAttempts.map(({ ok }) => ok)).toEqual([false, false]);
  });
});
