import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EMPTY_ROOT } from '../wire/item.ts';
import { describe as described, itemsOf, type PlatformClient } from '../../test/support/platform-client.ts';
import { PlatformFixture } from '../../test/support/platform-fixture.ts';

let fixture: PlatformFixture;
let client: PlatformClient;
beforeEach(async () => {
  fixture = new PlatformFixture();
  await fixture.start({ limits: { changesPerUpload: 5_000 } });
  client = await fixture.agent(['AI', 'VM', 'FIM']);
});
afterEach(() => fixture.dispose());

const users = (...names: string[]) =>
  itemsOf(names.map((name) => ['users', name, { name, shell: '/bin/sh' }]));
const admin = () => fixture.platform.admin;
const held = () => admin().show(client.agentId).types['Inventory'];
/** A raw body under an opening for the snapshot of `items`. */
const sendRaw = (raw: Buffer, changes: Readonly<Record<string, unknown>> = {}, encoded = gzipSync(raw)) => {
  const { request } = client.changesTo('Inventory', users('a'), 'snapshot');
  return client.send({ ...request, rawBytes: raw.length, ...changes }, encoded);
};

describe('snapshots and deltas', () => {
  it('takes a snapshot, deltas and an empty delta, and holds what the agent holds', async () => {
    expect((await client.upload('Inventory', users('a', 'b'))).body).toMatchObject({ seq: 1 });
    expect((await client.upload('Inventory', users('b', 'c', '\u{1F600}', '\uFFFD'))).status).toBe(200);
    expect((await client.upload('Inventory', users('b', 'c', '\u{1F600}', '\uFFFD'))).status).toBe(200);
    expect(held()).toMatchObject({ seq: 3, root: client.held.get('Inventory')?.root, tables: { users: 4 } });
  });

  it('takes an empty snapshot', async () => {
    expect((await client.upload('Inventory', [])).body).toEqual({ seq: 1, root: EMPTY_ROOT });
  });

  it('counts rows added, changed and removed per commit', async () => {
    await client.upload('Inventory', users('a', 'b'));
    await client.upload('Inventory', [
      ...itemsOf([['users', 'a', { name: 'a', shell: '/bin/zsh' }]]),
      ...users('c'),
    ]);
    expect(admin().commits(client.agentId)[0]).toMatchObject({ seq: 2, added: 1, changed: 1, removed: 1 });
    expect(
      admin()
        .changes(client.agentId, 3)
        .map((one) => [one.op, one.key.slice(6)]),
    ).toEqual([
      ['removed', 'b'],
      ['added', 'c'],
      ['changed', 'a'],
    ]);
  });

  it('replaces what it held by a new snapshot at any time', async () => {
    await client.upload('Inventory', users('a', 'b'));
    expect((await client.upload('Inventory', users('z'), 'snapshot')).status).toBe(200);
    expect(held()).toMatchObject({ seq: 2, rows: 1 });
    expect(admin().commits(client.agentId)[0]).toMatchObject({ added: 1, removed: 2 });
  });

  it('answers 409 INTEGRITY_MISMATCH to a wrong root and drops the snapshot of that type alone', async () => {
    await client.upload('Inventory', users('a'));
    await client.upload('Vulnerability', users('v'));
    const { request, raw } = client.changesTo('Inventory', users('a', 'b'), 'delta');
    const wrong = 'f'.repeat(64);
    const body = Buffer.from(raw.toString().replace(request.newRoot, wrong));
    const reply = await client.send({ ...request, newRoot: wrong }, gzipSync(body));
    expect([reply.status, reply.code]).toEqual([409, 'INTEGRITY_MISMATCH']);
    expect(Object.keys(admin().show(client.agentId).types)).toEqual(['Vulnerability']);
  });

  it('answers 409 BASE_MISMATCH to a delta against another base', async () => {
    await client.upload('Inventory', users('a'));
    client.held.set('Inventory', { seq: 7, root: 'e'.repeat(64), items: users('a') });
    const reply = await client.upload('Inventory', users('a', 'b'));
    expect([reply.status, reply.code]).toEqual([409, 'BASE_MISMATCH']);
    expect(held()).toBeUndefined();
  });

  it('refuses the upload of a type whose module is not active', async () => {
    const reply = await client.upload('SCA', users('a'));
    expect([reply.status, reply.code]).toEqual([403, 'MODULE_NOT_ACTIVE']);
  });

  it('drops in a sync-check what differs, and names it', async () => {
    await client.upload('Inventory', users('a'));
    await client.upload('Vulnerability', users('v'));
    const same = client.held.get('Inventory');
    const types = {
      Inventory: { seq: 1, root: same?.root },
      Vulnerability: { seq: 1, root: 'd'.repeat(64) },
    };
    const reply = await client.call('POST', client.agentPath('/sync-check'), { json: { types } });
    expect(reply.body).toEqual({
      types: { Inventory: { seq: 1, root: same?.root }, Vulnerability: null },
      mismatched: ['Vulnerability'],
    });
    expect(Object.keys(admin().show(client.agentId).types)).toEqual(['Inventory']);
  });

  it('takes a body in zstd and one of several chunks, resumed after a restart', async () => {
    const many = itemsOf(
      Array.from({ length: 3_000 }, (_, n) => ['users', randomUUID(), { n, salt: randomUUID() }]),
    );
    const { request, raw } = client.changesTo('Inventory', many, 'snapshot');
    const encoded = zstdCompressSync(raw);
    const opened = await client.open({ ...described(encoded), ...request, encoding: 'zstd' });
    const { uploadId } = opened.body as { uploadId: string };
    const piece = (n: number) => encoded.subarray(n * 65_536, (n + 1) * 65_536);
    await client.chunk(uploadId, 1, piece(1));
    await fixture.stop();
    await fixture.start();
    Object.assign(client, { target: fixture.platform });
    const state = await client.call('GET', client.agentPath(`/uploads/${uploadId}`));
    expect(state.body).toEqual({ uploadId, state: 'open', held: [1] });
    const early = await client.commit(uploadId, 'commit-1');
    expect([early.status, early.code]).toEqual([409, 'UPLOAD_INCOMPLETE']);
    for (let n = 0; n * 65_536 < encoded.length; n++)
      expect((await client.chunk(uploadId, n, piece(n))).status).toBe(200);
    expect((await client.commit(uploadId, 'commit-1')).body).toEqual({ seq: 1, root: request.newRoot });
  });

  it('answers a repeated opening and a repeated commit with the first result, after a restart too', async () => {
    const { request, raw } = client.changesTo('Inventory', users('a'), 'snapshot');
    const encoded = gzipSync(raw);
    const opening = { ...described(encoded), ...request };
    const first = await client.open(opening, 'open-1');
    expect((await client.open(opening, 'open-1')).body).toEqual(first.body);
    expect((await client.open({ ...opening, rawBytes: 1 }, 'open-1')).code).toBe('BAD_REQUEST');
    const { uploadId } = first.body as { uploadId: string };
    await client.chunk(uploadId, 0, encoded);
    const [one, two] = await Promise.all([client.commit(uploadId, 'c'), client.commit(uploadId, 'd')]);
    expect(one.body).toEqual({ seq: 1, root: request.newRoot });
    expect(two.body).toEqual(one.body);
    await fixture.stop();
    await fixture.start();
    Object.assign(client, { target: fixture.platform });
    expect((await client.commit(uploadId, 'c')).body).toEqual(one.body);
    expect((await client.commit(uploadId, 'e')).body).toEqual(one.body);
    expect(admin().commits(client.agentId)).toHaveLength(1);
  });
});

describe('hostile uploads', () => {
  it('refuses chunks of a wrong length or number and other bytes under a held number', async () => {
    const { request, raw } = client.changesTo('Inventory', users('a'), 'snapshot');
    const encoded = gzipSync(raw);
    const { uploadId } = (await client.open({ ...described(encoded), ...request })).body as {
      uploadId: string;
    };
    expect((await client.chunk(uploadId, 0, encoded.subarray(1))).code).toBe('BAD_REQUEST');
    expect((await client.chunk(uploadId, 1, encoded)).code).toBe('BAD_REQUEST');
    expect((await client.chunk(uploadId, -1, encoded)).code).toBe('BAD_REQUEST');
    expect((await client.chunk(uploadId, 0, encoded)).status).toBe(200);
    expect((await client.chunk(uploadId, 0, encoded)).status).toBe(200);
    expect((await client.chunk(uploadId, 0, Buffer.alloc(encoded.length))).code).toBe('BAD_REQUEST');
  });

  it.each([
    ['chunkCount', { chunkCount: 2 }],
    ['chunkBytes', { chunkBytes: 1024 }],
    ['encodedBytes', { encodedBytes: 0 }],
    ['rawBytes', { rawBytes: 3 * 1024 ** 3 }],
    ['type', { type: 'Nonsense' }],
    ['newRoot', { newRoot: 'short' }],
  ])('refuses an opening with a wrong %s', async (_, changes) => {
    const { request, raw } = client.changesTo('Inventory', users('a'), 'snapshot');
    const reply = await client.open({ ...described(gzipSync(raw)), ...request, ...changes });
    expect([reply.status, reply.code]).toEqual([400, 'BAD_REQUEST']);
  });

  it('answers 404 to an upload of another agent, and to ids that are none', async () => {
    const { request, raw } = client.changesTo('Inventory', users('a'), 'snapshot');
    const { uploadId } = (await client.open({ ...described(gzipSync(raw)), ...request })).body as {
      uploadId: string;
    };
    const other = await fixture.agent();
    for (const id of [uploadId, randomUUID(), '..%2f..%2fetc']) {
      expect((await other.chunk(id, 0, gzipSync(raw))).code).toBe('UPLOAD_UNKNOWN');
      expect((await other.commit(id)).code).toBe('UPLOAD_UNKNOWN');
    }
  });

  const good = () => client.changesTo('Inventory', users('a'), 'snapshot').raw;
  it.each([
    ['a zip bomb', () => sendRaw(Buffer.alloc(64 * 1024 * 1024), { rawBytes: 1000 })],
    ['fewer raw bytes than declared', () => sendRaw(good(), { rawBytes: good().length + 1 })],
    ['another digest', () => sendRaw(good(), { digest: 'c'.repeat(64) })],
    ['bytes that are not gzip', () => sendRaw(good(), {}, Buffer.from('not gzip at all'))],
    ['a truncated gzip stream', () => sendRaw(good(), {}, gzipSync(good()).subarray(0, -9))],
    ['bad UTF-8', () => sendRaw(Buffer.concat([good(), Buffer.from([0x22, 0xff, 0x22, 10])]))],
    ['a line without its end', () => sendRaw(good().subarray(0, -1))],
    [
      'nothing but a header of another type',
      () => sendRaw(Buffer.from(good().toString().replace('Inventory', 'Vulnerability'))),
    ],
    [
      'a line that is no change',
      () => sendRaw(Buffer.concat([good(), Buffer.from('{"drop":"everything"}\n')])),
    ],
    ['keys out of order', () => sendRaw(Buffer.concat([good(), Buffer.from('{"set":["a\\u001fb",{}]}\n')]))],
    [
      'a deletion in a snapshot',
      () => sendRaw(Buffer.concat([good(), Buffer.from('{"del":"users\\u001fb"}\n')])),
    ],
    [
      'a line longer than the bound',
      () => sendRaw(Buffer.concat([good(), Buffer.alloc(5 * 1024 * 1024, 97), Buffer.from('\n')])),
    ],
  ])('refuses %s with 400, keeps nothing of it, and goes on', async (_, send) => {
    const reply = await send();
    expect([reply.status, reply.code]).toEqual([400, 'BAD_REQUEST']);
    expect(held()).toBeUndefined();
    expect(readdirSync(join(fixture.dataDir, 'uploads'))).toEqual([]);
    expect((await client.upload('Inventory', users('a'))).status).toBe(200);
  });

  it('refuses a million lines at its bound on changes', { timeout: 30_000 }, async () => {
    const lines = [
      good().toString().split('\n')[0],
      ...Array.from({ length: 1_000_000 }, (_, n) => `{"set":["u\\u001f${String(n).padStart(7, '0')}",{}]}`),
      '',
    ];
    const reply = await sendRaw(Buffer.from(lines.join('\n')));
    expect([reply.status, reply.code]).toEqual([400, 'BAD_REQUEST']);
  });

  it('removes the oldest of more than four open uploads, and abandoned ones after a day', async () => {
    const { request, raw } = client.changesTo('Inventory', users('a'), 'snapshot');
    const opening = { ...described(gzipSync(raw)), ...request };
    const ids: string[] = [];
    for (let n = 0; n < 5; n++)
      ids.push(((await client.open(opening)).body as { uploadId: string }).uploadId);
    expect((await client.chunk(ids[0] ?? '', 0, gzipSync(raw))).code).toBe('UPLOAD_UNKNOWN');
    expect((await client.chunk(ids[4] ?? '', 0, gzipSync(raw))).status).toBe(200);
    fixture.advance(24 * 3600 + 1);
    await fixture.stop();
    await fixture.start();
    Object.assign(client, { target: fixture.platform });
    expect((await client.commit(ids[4] ?? '')).code).toBe('UPLOAD_UNKNOWN');
    expect(existsSync(join(fixture.dataDir, 'uploads', ids[4] ?? ''))).toBe(false);
  });
});
