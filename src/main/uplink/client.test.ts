import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  startSigningServer,
  type Arrived,
  type Script,
  type SigningServer,
} from '../../../test/support/signing-server.ts';
import { generateKeyPair } from '../../wire/keys.ts';
import { verifyRequest } from '../../wire/message-signature.ts';
import { PlatformClient, type Caller, type Exchange } from './client.ts';
import type { Failure } from './failure.ts';
import { clientOptions } from './testing/client-options.ts';
import { recordingLog } from './testing/recording-log.ts';

const AGENT = '0f8fad5b-d9cb-469f-a165-70867728950e';
const CUSTOMER = '7c9e6679-7425-40de-944b-e07fc1f90ae7';
const Reply = z.object({ value: z.number() });
const POST: Exchange<{ value: number }> = {
  method: 'POST',
  path: `v1/agents/${AGENT}/status?x=1`,
  body: { hello: 'ü' },
  reply: Reply,
};
const GET: Exchange<{ value: number }> = { method: 'GET', path: `v1/agents/${AGENT}/config`, reply: Reply };
const agentKey = generateKeyPair();

let server: SigningServer;
let lines: string[];
let now: number;
let client: PlatformClient;
const caller = (platformKey?: string): Caller => ({
  customerId: CUSTOMER,
  agentId: AGENT,
  keyPair: agentKey,
  platformKey: platformKey ?? server.keyPair.publicKey,
});

beforeAll(async () => {
  server = await startSigningServer();
});
afterAll(() => server.close());
beforeEach(() => {
  now = Date.parse('2026-11-20T12:00:00Z');
  const recording = recordingLog();
  lines = recording.lines;
  client = new PlatformClient(
    clientOptions(server.base, server.caFile, { now: () => now, log: recording.log, timeoutSec: () => 1 }),
  );
  server.requests.length = 0;
  server.script = () => ({ body: { value: 7 } });
});
afterEach(() => client.close());

async function failing(exchange = POST, as = caller()): Promise<Failure> {
  const result = await client.exchange(as, exchange);
  if (result.ok) throw new Error('the reply was accepted');
  return result.failure;
}

/** A platform that goes wrong with requests, not with the unsigned probe: no captive portal. */
const honestOnProbe =
  (script: Script): Script =>
  (request) =>
    request.headers['wayfarer-nonce'] === undefined
      ? script(request)
      : { status: 204, body: Buffer.alloc(0) };

describe('a request', () => {
  it('R222 is signed by the agent over method, path, query, body and its ids', async () => {
    const result = await client.exchange(caller(), POST);
    expect(result).toEqual({ ok: true, value: { value: { value: 7 }, etag: undefined } });
    const request = server.requests[0]!;
    expect(request).toMatchObject({
      method: 'POST',
      path: `/CloudAgent/v1/agents/${AGENT}/status`,
      query: '?x=1',
    });
    expect(request.headers).toMatchObject({ 'wayfarer-agent': AGENT, 'wayfarer-customer': CUSTOMER });
    const key = (id: string) => (id === agentKey.keyId ? agentKey.publicKey : undefined);
    const verified = await verifyRequest(request, request.body, key);
    expect(verified.created).toBe(now / 1000);
    await expect(verifyRequest(request, Buffer.from('{}'), key)).rejects.toThrow('content-digest');
    await expect(verifyRequest({ ...request, query: '' }, request.body, key)).rejects.toThrow();
  });

  it('never repeats a nonce', async () => {
    const nonces = new Set<string | undefined>();
    for (let n = 0; n < 5; n += 1) {
      await client.exchange(caller(), GET);
      nonces.add(/nonce="([^"]+)"/.exec(server.requests.at(-1)?.headers['signature-input'] ?? '')?.[1]);
    }
    expect(nonces.size).toBe(5);
    expect(nonces).not.toContain(undefined);
  });

  it('carries an empty body signed as such, and bytes as they are', async () => {
    await client.exchange(caller(), GET);
    await client.exchange(caller(), { ...GET, method: 'PUT', body: Uint8Array.of(0, 255, 10) });
    expect(server.requests.map((request) => [...request.body])).toEqual([[], [0, 255, 10]]);
    expect(server.requests[0]!.headers['content-digest']).toBeDefined();
  });
});

describe('a reply that is accepted', () => {
  it('may be compressed with gzip or zstd, and brings its ETag', async () => {
    const text = JSON.stringify({ value: 9 });
    for (const [encoding, body] of [
      ['gzip', gzipSync(text)],
      ['zstd', zstdCompressSync(text)],
    ] as const) {
      server.script = () => ({ body, headers: { 'content-encoding': encoding, etag: '"3"' } });
      expect(await client.exchange(caller(), GET)).toEqual({
        ok: true,
        value: { value: { value: 9 }, etag: '"3"' },
      });
    }
  });

  it('may carry fields that this version does not know', async () => {
    server.script = () => ({ body: { value: 1, later: true } });
    expect(await client.exchange(caller(), GET)).toMatchObject({ ok: true, value: { value: { value: 1 } } });
  });
});

describe('a reply that is refused', () => {
  const stranger = generateKeyPair();

  it('R222 for having no signature', async () => {
    server.script = honestOnProbe(() => ({ body: { value: 7 }, signer: 'none' }));
    expect(await failing()).toEqual({
      kind: 'unverified',
      reason: expect.stringContaining('not signed') as string,
    });
  });

  it('R222 for being signed by another key, which is named', async () => {
    server.script = () => ({ body: { value: 7 }, signer: stranger });
    expect(await failing()).toMatchObject({ kind: 'unverified', givenKeyId: stranger.keyId });
  });

  it('R222 for answering another request, though the platform signed it', async () => {
    let first: Arrived | undefined;
    server.script = (request) => ({ body: { value: 7 }, answers: (first ??= request) });
    expect(await client.exchange(caller(), POST)).toMatchObject({ ok: true });
    expect(await failing()).toMatchObject({ kind: 'unverified' });
  });

  it.each<[string, (sent: { status: number; headers: Record<string, string>; body: Buffer }) => void]>([
    ['body', (sent) => (sent.body = Buffer.from('{"value":8}'))],
    ['status', (sent) => (sent.status = 201)],
    ['ETag', (sent) => (sent.headers['etag'] = '"9"')],
    ['digest', (sent) => delete sent.headers['content-digest']],
    ['signature', (sent) => (sent.headers['signature'] = `sig1=:${'A'.repeat(86)}==:`)],
  ])('R222 for having its %s altered on the way', async (_, alter) => {
    server.script = () => ({ body: { value: 7 }, alter });
    expect(await failing()).toMatchObject({ kind: 'unverified' });
  });

  it('R222 as an error too: nobody but the platform can say CLOCK_SKEW or AGENT_UNKNOWN', async () => {
    for (const status of [401, 404, 410, 302, 503]) {
      const error = { error: { code: 'CLOCK_SKEW', message: 'm' }, serverTime: '2030-01-01T00:00:00Z' };
      server.script = () => ({ status, body: error, signer: stranger });
      expect(await failing()).toMatchObject({ kind: 'unverified' });
    }
    expect(client.clockOffsetSec).toBe(0);
    expect(server.requests).toHaveLength(5);
  });

  it.each([{ value: 'seven' }, {}, [], 'text', null])(
    'for a schema that is not the one asked for: %j',
    async (body) => {
      server.script = () => ({ body: Buffer.from(JSON.stringify(body)) });
      expect(await failing()).toMatchObject({
        kind: 'unverified',
        reason: expect.stringContaining('schema') as string,
      });
    },
  );

  it('for being no JSON, an unknown encoding or a broken one', async () => {
    for (const said of [
      { body: Buffer.from('<html>') },
      { body: gzipSync('{"value":7}').subarray(0, 12), headers: { 'content-encoding': 'gzip' } },
      { body: Buffer.from('{"value":7}'), headers: { 'content-encoding': 'br' } },
    ]) {
      server.script = () => said;
      expect(await failing()).toMatchObject({ kind: 'unverified' });
    }
  });

  it('for growing beyond 8 MB when it is unpacked', async () => {
    const bomb = Buffer.from(`{"value":7,"x":"${' '.repeat(64 * 1024 * 1024)}"}`);
    for (const [encoding, body] of [
      ['gzip', gzipSync(bomb)],
      ['zstd', zstdCompressSync(bomb)],
    ] as const) {
      expect(body.length).toBeLessThan(100_000);
      server.script = () => ({ body, headers: { 'content-encoding': encoding } });
      expect(await failing()).toMatchObject({ kind: 'unverified' });
    }
  });

  it('for pointing elsewhere: a redirect is never followed', async () => {
    server.script = () => ({ status: 307, headers: { location: `${server.base}v1/other` } });
    expect(await failing()).toMatchObject({ kind: 'api', status: 307 });
    expect(server.requests).toHaveLength(1);
  });
});

describe('an error of the platform', () => {
  const error = (code: string, message = 'm') => ({
    error: { code, message },
    serverTime: new Date(now).toISOString(),
  });

  it.each([
    ['120', 120],
    ['Fri, 20 Nov 2026 12:01:30 GMT', 90],
    ['Fri, 20 Nov 2026 11:00:00 GMT', 0],
    ['999999999', 86_400],
    ['soon', undefined],
    ['-5', undefined],
  ])('carries its code and how long to wait: Retry-After %s is %s s', async (field, seconds) => {
    server.script = () => ({ status: 503, body: error('BUSY'), headers: { 'retry-after': field } });
    const failure = await failing();
    expect(failure).toMatchObject({ kind: 'api', status: 503, code: 'BUSY', verified: true });
    expect('retryAfterSec' in failure ? failure.retryAfterSec : undefined).toBe(seconds);
  });

  it('without a body that can be read is still told by its status', async () => {
    server.script = () => ({ status: 500, body: Buffer.from('oops') });
    expect(await failing()).toMatchObject({ kind: 'api', status: 500, code: '', verified: true });
  });

  it('CLOCK_SKEW sets the offset from the signed time, and the request goes once more with it', async () => {
    const platformNow = now + 3_600_000;
    const created = (request: Arrived) =>
      Number(/created=(\d+)/.exec(request.headers['signature-input'] ?? '')?.[1]);
    server.script = (request) =>
      Math.abs(created(request) * 1000 - platformNow) <= 300_000
        ? { body: { value: 7 } }
        : { status: 401, body: { ...error('CLOCK_SKEW'), serverTime: new Date(platformNow).toISOString() } };
    expect(await client.exchange(caller(), POST)).toMatchObject({ ok: true });
    expect(client.clockOffsetSec).toBe(3600);
    expect(server.requests.map(created)).toEqual([now / 1000, platformNow / 1000]);
    await client.exchange(caller(), POST);
    expect(server.requests).toHaveLength(3); // the offset is kept
  });

  it('before a key is pinned makes nobody wait: a page that blocks could have said it', async () => {
    server.script = () => ({ status: 503, body: error('BUSY'), headers: { 'retry-after': '86400' } });
    const failure = await failing(POST, { ...caller(), platformKey: undefined });
    expect(failure).toMatchObject({ kind: 'api', status: 503, verified: false });
    expect(failure).not.toHaveProperty('retryAfterSec');
  });

  it('CLOCK_SKEW again after that is an error: once is enough', async () => {
    server.script = () => ({ status: 401, body: error('CLOCK_SKEW') });
    expect(await failing()).toMatchObject({ kind: 'api', code: 'CLOCK_SKEW' });
    expect(server.requests).toHaveLength(2);
  });

  it('CLOCK_SKEW before a key is pinned teaches nothing: anyone could have said it', async () => {
    const serverTime = new Date(now + 3_600_000).toISOString();
    server.script = () => ({ status: 401, body: { ...error('CLOCK_SKEW'), serverTime } });
    expect(await failing(POST, { ...caller(), platformKey: undefined })).toMatchObject({ verified: false });
    expect(client.clockOffsetSec).toBe(0);
    expect(server.requests).toHaveLength(1);
  });
});

describe('before a platform key is pinned', () => {
  const Named = z.object({ value: z.number(), key: z.string() });
  const provision: Exchange<z.infer<typeof Named>> = {
    method: 'POST',
    path: 'v1/provision',
    body: {},
    reply: Named,
    keyFromReply: (reply) => reply.key,
  };
  const unpinned = (): Caller => ({ ...caller(), platformKey: undefined });

  it('a reply must be signed by the key that it names', async () => {
    server.script = () => ({ body: { value: 7, key: server.keyPair.publicKey } });
    expect(await client.exchange(unpinned(), provision)).toMatchObject({ ok: true });
    server.script = () => ({ body: { value: 7, key: generateKeyPair().publicKey } });
    expect(await client.exchange(unpinned(), provision)).toMatchObject({
      ok: false,
      failure: { kind: 'unverified' },
    });
    server.script = honestOnProbe(() => ({
      body: { value: 7, key: server.keyPair.publicKey },
      signer: 'none',
    }));
    expect(await client.exchange(unpinned(), provision)).toMatchObject({
      ok: false,
      failure: { kind: 'unverified' },
    });
  });

  it('no other reply is believed, however it is signed', async () => {
    expect(await failing(POST, unpinned())).toMatchObject({ kind: 'unverified' });
  });

  it('a configured key counts more than the one that the reply names', async () => {
    const stranger = generateKeyPair();
    server.script = () => ({ body: { value: 7, key: stranger.publicKey }, signer: stranger });
    expect(await client.exchange(caller(), provision)).toMatchObject({
      ok: false,
      failure: { kind: 'unverified', givenKeyId: stranger.keyId },
    });
  });
});

describe('the log of requests', () => {
  it('R282 R283 holds one line with "Http request", the route and the status code for a success', async () => {
    await client.exchange(caller(), POST);
    expect(lines).toEqual([
      `info: Http request: POST v1/agents/${AGENT}/status?x=1 via direct, Http status code: 200 (11 B, 0 ms)`,
    ]);
  });

  it.each([400, 403, 404, 409, 429, 500, 503])(
    'R282 R283 holds one line with code and reason for a failure %i',
    async (status) => {
      const body = { error: { code: 'BUSY', message: 'not now' }, serverTime: '2026-11-20T12:00:00Z' };
      server.script = () => ({ status, body });
      await failing();
      expect(lines).toHaveLength(1);
      expect(lines[0]).toMatch(
        new RegExp(
          `^error: Http request failed: ${status} BUSY: not now: POST .* via direct, Http status code: ${status} \\(`,
        ),
      );
    },
  );

  it('R283 begins with the system code where no answer came', async () => {
    const recording = recordingLog();
    const elsewhere = new PlatformClient(
      clientOptions('https://127.0.0.1:9/CloudAgent/', server.caFile, { log: recording.log }),
    );
    await elsewhere.exchange(caller(), GET);
    expect(recording.lines).toHaveLength(1);
    expect(recording.lines[0]).toMatch(
      /^error: Http request failed: ECONNREFUSED .*GET v1\/agents\/.* via direct \(\d+ ms\)$/,
    );
  });

  it('holds no signature', async () => {
    await client.exchange(caller(), POST);
    const signature = server.requests[0]!.headers['signature']!;
    expect(lines.join('\n')).not.toContain(signature.slice(6, 40));
  });
});
