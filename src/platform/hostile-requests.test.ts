import { randomUUID } from 'node:crypto';
import { request as httpsRequest } from 'node:https';
import { connect, type TLSSocket } from 'node:tls';
import Database from 'better-sqlite3';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { signRequest } from '../wire/message-signature.ts';
import type { PlatformClient } from '../../test/support/platform-client.ts';
import { PlatformFixture } from '../../test/support/platform-fixture.ts';

let fixture: PlatformFixture;
beforeEach(async () => {
  fixture = new PlatformFixture();
  await fixture.start();
});
afterEach(() => fixture.dispose());

const UNKNOWN = '00000000-0000-4000-8000-000000000000';
const CHUNK = 10 * 1024 * 1024;

function open(): TLSSocket {
  const { hostname, port } = new URL(fixture.platform.url);
  return connect({ host: hostname, port: Number(port), ca: fixture.platform.caPem });
}

/** What the platform answers to these bytes until it closes the connection. */
function raw(text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = open();
    let answer = '';
    socket.on('data', (piece: Buffer) => (answer += piece.toString('latin1')));
    socket.on('error', reject);
    socket.on('close', () => {
      resolve(answer);
    });
    socket.write(text);
  });
}

const closed = (socket: TLSSocket): Promise<void> =>
  new Promise((resolve) => {
    socket.on('error', () => undefined);
    socket.on('close', () => {
      resolve();
    });
  });

/** Headers of a request of this agent, signed over `body`. */
function signed(client: PlatformClient, method: string, path: string, body: Buffer): Record<string, string> {
  const headers = { 'wayfarer-agent': client.agentId, 'wayfarer-customer': client.customerId };
  const stamp = { created: fixture.time / 1000, nonce: randomUUID() };
  return {
    ...headers,
    ...signRequest({ method, path: `/CloudAgent/${path}`, query: '', headers }, body, client.key, stamp),
  };
}

/** Status of the answer that comes although only the headers and `sent` were sent. */
function unfinished(
  method: string,
  path: string,
  headers: Record<string, string>,
  sent = '',
): Promise<number> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(fixture.platform.url);
    const ca = fixture.platform.caPem;
    const options = { hostname, port, ca, method, path: `/CloudAgent/${path}`, headers, agent: false };
    const outgoing = httpsRequest(options, (incoming) => {
      resolve(incoming.statusCode ?? 0);
      outgoing.destroy();
    });
    outgoing.on('error', reject);
    outgoing.write(sent);
    outgoing.flushHeaders();
  });
}

const rowsOf = (table: string): number => {
  const db = new Database(join(fixture.dataDir, 'platform.db'), { readonly: true });
  try {
    return (db.prepare(`SELECT count(*) AS n FROM ${table}`).get() as { n: number }).n;
  } finally {
    db.close();
  }
};

describe('request targets', () => {
  it.each(['OPTIONS *', 'GET /CloudAgent/status?a#b', 'GET /CloudAgent/%zz#c', 'HEAD *'])(
    'answers "%s" without a signature, and without an error of its own',
    async (line) => {
      const answer = await raw(`${line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
      expect(answer).toMatch(/^HTTP\/1\.1 (204|4\d\d) /);
      expect(answer).not.toContain('signature');
      expect(fixture.logged).toEqual([]);
    },
  );

  it('answers a target in absolute form like its path', async () => {
    const line = `GET https://elsewhere/CloudAgent/status HTTP/1.1`;
    const answer = await raw(`${line}\r\nHost: x\r\nwayfarer-nonce: n\r\nConnection: close\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 204 /);
    expect(answer).toContain('signature-input: sig1=');
  });

  it.each(['status', 'nothing-here'])('signs the answer to HEAD %s over no content', async (path) => {
    // The client verifies signature and digest over the empty body that arrives.
    const reply = await fixture.client().call('HEAD', path);
    expect([reply.status, reply.bytes.length]).toEqual([404, 0]);
  });

  it.each([
    '/CloudAgent//v1/agents/ID/config',
    '/CloudAgent/v1/agents/ID/config/',
    '/cloudagent/v1/agents/ID/config',
    '/CloudAgent/x/../v1/agents/ID/config',
  ])('serves an agent nothing under %s, though it is signed', async (template) => {
    const client = await fixture.agent();
    const path = template.replace('ID', client.agentId);
    const headers = { 'wayfarer-agent': client.agentId, 'wayfarer-customer': client.customerId };
    const stamp = { created: fixture.time / 1000, nonce: randomUUID() };
    const signature = signRequest(
      { method: 'GET', path, query: '', headers },
      Buffer.alloc(0),
      client.key,
      stamp,
    );
    const lines = Object.entries({ ...headers, ...signature }).map(([name, value]) => `${name}: ${value}`);
    const answer = await raw(
      `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${lines.join('\r\n')}\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 404 /);
  });

  it('refuses a signed header that comes twice', async () => {
    const client = await fixture.agent();
    const path = client.agentPath('/config');
    const headers = signed(client, 'GET', path, Buffer.alloc(0));
    for (const twice of ['wayfarer-agent', 'content-digest', 'signature', 'signature-input']) {
      const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
      lines.push(`${twice}: ${twice === 'wayfarer-agent' ? UNKNOWN : (headers[twice] ?? '')}x`);
      const answer = await raw(
        `GET /CloudAgent/${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${lines.join('\r\n')}\r\n\r\n`,
      );
      expect(answer, twice).toMatch(/^HTTP\/1\.1 401 /);
    }
  });
});

describe('bodies', () => {
  it('are not waited for from a stranger', async () => {
    const path = `v1/agents/${UNKNOWN}/uploads/${UNKNOWN}/chunks/0`;
    expect(await unfinished('PUT', path, { 'content-length': String(CHUNK) }, 'x'.repeat(10))).toBe(404);
    const client = await fixture.agent();
    const own = client.agentPath(`/uploads/${UNKNOWN}/chunks/0`);
    expect(await unfinished('PUT', own, { 'content-length': String(CHUNK) }, 'x'.repeat(10))).toBe(401);
  });

  it('are refused when they are others than the signed ones', async () => {
    const client = await fixture.agent();
    const path = client.agentPath('/sync-check');
    const headers = signed(client, 'POST', path, Buffer.from('{"types":{}}'));
    const body = '{"types":{} }';
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
    const answer = await raw(
      `POST /CloudAgent/${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ${body.length}\r\n` +
        `${lines.join('\r\n')}\r\n\r\n${body}`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 401 /);
    expect(answer).toContain('BAD_SIGNATURE');
  });

  it('are refused from an agent that was uninstalled while they were on their way', async () => {
    const client = await fixture.agent();
    const path = client.agentPath('/sync-check');
    const body = '{"types":{}}';
    const headers = signed(client, 'POST', path, Buffer.from(body));
    const socket = open();
    let answer = '';
    socket.on('data', (piece: Buffer) => (answer += piece.toString('latin1')));
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
    const before = rowsOf('nonces');
    socket.write(
      `POST /CloudAgent/${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ${body.length}\r\n` +
        `${lines.join('\r\n')}\r\n\r\n`,
    );
    await expect.poll(() => rowsOf('nonces')).toBeGreaterThan(before);
    await client.call('POST', client.agentPath('/goodbye'), { json: {} });
    socket.write(body);
    await closed(socket);
    expect(answer).toMatch(/^HTTP\/1\.1 410 /);
  });

  it('get 503 BUSY while there is no room for them, and their room back when they are gone', async () => {
    await fixture.stop();
    await fixture.start({ limits: { bodies: { total: 4_000, perSender: 2_000 } } });
    const client = await fixture.agent();
    const path = client.agentPath('/sync-check');
    const padded = (bytes: number) => Buffer.from('{"types":{}}'.padEnd(bytes, ' '));
    const busy = await client.call('POST', path, { body: padded(2_001) });
    expect([busy.status, busy.code, busy.headers['retry-after']]).toEqual([503, 'BUSY', '5']);
    for (let n = 0; n < 5; n++)
      expect((await client.call('POST', path, { body: padded(2_000) })).status).toBe(200);
  });

  it('of a registration without a known activation key write nothing', async () => {
    const before = rowsOf('nonces');
    expect((await fixture.client().provision(UNKNOWN)).code).toBe('KEY_UNKNOWN');
    expect([rowsOf('nonces'), rowsOf('agents')]).toEqual([before, 0]);
  });
});

describe('connections', () => {
  it('that do not finish their headers in time are closed', async () => {
    await fixture.stop();
    await fixture.start({ limits: { headersMs: 200 } });
    const socket = open();
    socket.write('GET /CloudAgent/status HTTP/1.1\r\nHost: x\r\n');
    socket.resume();
    await closed(socket);
    expect(socket.destroyed).toBe(true);
  });

  it('beyond the bound are closed at once, and the others served', async () => {
    await fixture.stop();
    await fixture.start({ limits: { connections: 1 } });
    const first = open();
    await new Promise((resolve) => first.once('secureConnect', resolve));
    await closed(open());
    first.destroy();
    await closed(first);
    await expect
      .poll(async () => {
        const call = fixture.client().call('GET', 'status', {
          unsigned: true,
          headers: { 'wayfarer-nonce': 'n' },
        });
        return (await call.catch(() => undefined))?.status;
      })
      .toBe(204);
  });
});
