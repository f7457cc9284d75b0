import { X509Certificate, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ErrorReply } from '../shared/wire.ts';
import { generateKeyPair } from '../wire/keys.ts';
import { PlatformFixture } from '../../test/support/platform-fixture.ts';

let fixture: PlatformFixture;
beforeEach(async () => {
  fixture = new PlatformFixture();
  await fixture.start();
});
afterEach(() => fixture.dispose());

describe('every request', () => {
  // The client verifies the signature of each reply: a reply without a good one would reject.
  it('answers the unsigned probe with 204, signed over its nonce', async () => {
    const reply = await fixture.client().call('GET', 'status', {
      unsigned: true,
      headers: { 'wayfarer-nonce': 'probe-1' },
    });
    expect(reply.status).toBe(204);
    expect(reply.headers['signature-input']).toContain('"wayfarer-nonce";req');
  });

  it.each([
    ['GET', 'nothing-here'],
    ['GET', 'v1/keys'],
    ['GET', 'v1/releases/linux/x64/1.0.0'],
    ['DELETE', 'status'],
    ['POST', 'v1/%zz'],
  ])('signs its refusal of %s %s', async (method, path) => {
    const reply = await fixture.client().call(method, path);
    expect(reply.status).toBeGreaterThanOrEqual(400);
    expect(ErrorReply.parse(reply.body).error.code).not.toBe('INTERNAL');
  });

  it('signs 413 for a body above the limit of its endpoint', async () => {
    const client = await fixture.agent();
    const reply = await client.call('POST', client.agentPath('/status'), {
      body: Buffer.alloc(17 * 1024, 32),
    });
    expect([reply.status, reply.code]).toEqual([413, 'TOO_LARGE']);
  });

  it('refuses a small body that decodes to a large one with 413', async () => {
    const client = await fixture.agent();
    const reply = await client.call('POST', client.agentPath('/status'), {
      body: gzipSync(Buffer.alloc(4 * 1024 * 1024, 32)),
      headers: { 'content-encoding': 'gzip' },
    });
    expect([reply.status, reply.code]).toEqual([413, 'TOO_LARGE']);
  });

  it.each([
    ['gzip', gzipSync],
    ['zstd', zstdCompressSync],
  ])('reads a body in %s', async (encoding, encode) => {
    const client = await fixture.agent();
    const reply = await client.call('POST', client.agentPath('/sync-check'), {
      body: encode(Buffer.from('{"types":{}}')),
      headers: { 'content-encoding': encoding },
    });
    expect(reply.body).toEqual({ types: {}, mismatched: [] });
  });

  it.each([
    ['bad UTF-8', Buffer.from([0x7b, 0xff, 0x7d])],
    ['no JSON', Buffer.from('{')],
    ['another shape', Buffer.from('{"types":7}')],
    ['nothing', Buffer.alloc(0)],
  ])('refuses a body of %s with 400', async (_, body) => {
    const client = await fixture.agent();
    const reply = await client.call('POST', client.agentPath('/sync-check'), { body });
    expect([reply.status, reply.code]).toEqual([400, 'BAD_REQUEST']);
  });

  it('answers 404 AGENT_UNKNOWN to an agent it does not know', async () => {
    const reply = await fixture.client().heartbeat();
    expect([reply.status, reply.code]).toEqual([404, 'AGENT_UNKNOWN']);
  });

  it('answers 410 AGENT_UNINSTALLED after goodbye and keeps the record', async () => {
    const client = await fixture.agent();
    expect((await client.call('POST', client.agentPath('/goodbye'), { json: {} })).status).toBe(204);
    const reply = await client.heartbeat();
    expect([reply.status, reply.code]).toEqual([410, 'AGENT_UNINSTALLED']);
    expect(fixture.platform.admin.show(client.agentId).state).toBe('uninstalled');
  });

  it.each([-301, 301])('answers CLOCK_SKEW with its time to a request signed %i s away', async (offset) => {
    const client = await fixture.agent();
    const reply = await client.heartbeat({}, { created: fixture.time / 1000 + offset });
    expect([reply.status, reply.code]).toEqual([401, 'CLOCK_SKEW']);
    expect(ErrorReply.parse(reply.body).serverTime).toBe(new Date(fixture.time).toISOString());
    expect(
      (await client.heartbeat({}, { created: fixture.time / 1000 + Math.sign(offset) * 300 })).status,
    ).toBe(200);
  });

  it('refuses a replayed nonce, after a restart too', async () => {
    const client = await fixture.agent();
    const path = client.agentPath('/config');
    expect((await client.call('GET', path, { nonce: 'once' })).status).toBe(200);
    expect((await client.call('GET', path, { nonce: 'once' })).code).toBe('BAD_SIGNATURE');
    await fixture.stop();
    await fixture.start();
    Object.assign(client, { target: fixture.platform });
    expect((await client.call('GET', path, { nonce: 'once' })).code).toBe('BAD_SIGNATURE');
  });

  it('forgets nonces that the clock refuses by itself, and only those', async () => {
    const client = await fixture.agent();
    const path = client.agentPath('/config');
    const early = { nonce: 'early', created: fixture.time / 1000 + 300 };
    expect((await client.call('GET', path, early)).status).toBe(200);
    fixture.advance(600);
    await client.call('GET', path);
    expect((await client.call('GET', path, early)).code).toBe('BAD_SIGNATURE');
    fixture.advance(301);
    await client.call('GET', path);
    expect((await client.call('GET', path, early)).code).toBe('CLOCK_SKEW');
  });

  it('R222 refuses another key, another path, another body and an unsigned request', async () => {
    const client = await fixture.agent();
    const path = client.agentPath('/config');
    const refusals = [
      client.call('GET', path, { key: generateKeyPair() }),
      client.call('GET', path, { unsigned: true, headers: { 'wayfarer-nonce': 'n' } }),
      client.call('GET', client.agentPath('/status'), {
        tamper: (parts) => ({ ...parts, path: `/CloudAgent/${path}` }),
      }),
      client.call('GET', path, { tamper: (parts) => ({ ...parts, query: '?x=1' }) }),
      client.call('GET', path, {
        tamper: (parts) => ({ ...parts, headers: { ...parts.headers, 'content-digest': 'sha-256=:AAAA:' } }),
      }),
    ];
    for (const reply of await Promise.all(refusals))
      expect([reply.status, reply.code]).toEqual([401, 'BAD_SIGNATURE']);
  });

  it("refuses one agent's signature under another agent's path", async () => {
    const one = await fixture.agent();
    const other = await fixture.agent();
    const reply = await one.call('GET', other.agentPath('/config'));
    expect([reply.status, reply.code]).toEqual([401, 'BAD_SIGNATURE']);
    const masked = await one.call('GET', other.agentPath('/config'), {
      headers: { 'wayfarer-agent': other.agentId },
    });
    expect([masked.status, masked.code]).toEqual([401, 'BAD_SIGNATURE']);
  });

  it('refuses TLS 1.1', async () => {
    const { hostname, port } = new URL(fixture.platform.url);
    const outcome = await new Promise<string>((resolve) => {
      const socket = connect({
        host: hostname,
        port: Number(port),
        ca: fixture.platform.caPem,
        maxVersion: 'TLSv1.1',
        minVersion: 'TLSv1',
      });
      socket.on('secureConnect', () => {
        socket.destroy();
        resolve('connected');
      });
      socket.on('error', () => {
        resolve('refused');
      });
    });
    expect(outcome).toBe('refused');
  });

  it('keeps port, key and CA over a restart', async () => {
    const { url, platformKey, caPem } = fixture.platform;
    await fixture.stop();
    await fixture.start();
    expect([fixture.platform.url, fixture.platform.platformKey, fixture.platform.caPem]).toEqual([
      url,
      platformKey,
      caPem,
    ]);
  });

  it('renews its certificate under the kept CA when fewer than 30 days are left', async () => {
    const leaf = () => new X509Certificate(readFileSync(join(fixture.dataDir, 'server.pem')));
    const restartAfter = async (days: number) => {
      fixture.advance(days * 24 * 3600);
      await fixture.stop();
      await fixture.start();
    };
    const { caPem } = fixture.platform;
    const first = leaf();
    await restartAfter(334);
    expect(leaf().serialNumber).toBe(first.serialNumber);
    await restartAfter(2);
    expect(leaf().serialNumber).not.toBe(first.serialNumber);
    expect(Date.parse(leaf().validTo)).toBe(fixture.time + 365 * 24 * 3600 * 1000);
    expect(fixture.platform.caPem).toBe(caPem);
    expect(leaf().verify(new X509Certificate(caPem).publicKey)).toBe(true);
  });

  it('takes each acknowledgement record once, and a message once per Idempotency-Key', async () => {
    const client = await fixture.agent();
    const record = {
      id: randomUUID(),
      at: '2026-11-20T11:00:00Z',
      kind: 'activity',
      activity: 'Manifest Downloaded',
    };
    const acks = (records: readonly object[], key: string) =>
      client.call('POST', client.agentPath('/acks'), {
        json: { records },
        headers: { 'idempotency-key': key },
      });
    expect((await acks([record], 'key-1')).body).toEqual({ accepted: 1 });
    expect((await acks([record], 'key-1')).body).toEqual({ accepted: 1 });
    expect((await acks([record], 'key-2')).body).toEqual({ accepted: 1 });
    expect((await acks([{ ...record, activity: 'Other' }], 'key-1')).code).toBe('BAD_REQUEST');
    const seen = fixture.platform.admin.activities(client.agentId).map((one) => one.activity);
    expect(seen).toEqual(['Provisioned', 'Manifest Downloaded']);
  });
});

describe('the admin API', () => {
  const call = async (path: string, token: string) => {
    const { adminUrl } = fixture.platform;
    const { Agent, fetch } = await import('undici');
    const dispatcher = new Agent({ connect: { ca: fixture.platform.caPem } });
    const reply = await fetch(new URL(path, adminUrl), {
      dispatcher,
      headers: { authorization: `Bearer ${token}` },
    });
    const body: unknown = await reply.json();
    await dispatcher.close();
    return { status: reply.status, body };
  };

  it('needs the token of the data directory', async () => {
    expect((await call('keys', 'wrong')).status).toBe(401);
    expect(await call('keys', fixture.platform.adminToken)).toMatchObject({
      status: 200,
      body: [{ id: fixture.activationId }],
    });
    expect((await call('agents/nobody', fixture.platform.adminToken)).status).toBe(404);
  });
});
