import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { describe as described, itemsOf, type PlatformClient } from '../../test/support/platform-client.ts';
import { Chain, fimEvent, sendEvents } from '../../test/support/sealed-events.ts';
import { PlatformFixture } from '../../test/support/platform-fixture.ts';
import { until } from '../../test/support/until.ts';

/* What one agent, or time, could make grow without end, and what keeps it. */

let fixture: PlatformFixture;
let client: PlatformClient;
beforeEach(async () => {
  fixture = new PlatformFixture();
  await fixture.start({
    limits: {
      answers: 3,
      finishedUploads: 2,
      doneCommands: 2,
      hostEvents: 5,
      hostEventBytes: 8_000,
      logArchives: 2,
      logArchiveBytes: 20,
      rowsPerSnapshot: 4,
    },
  });
  client = await fixture.agent(['AI', 'VM', 'FIM']);
});
afterEach(() => fixture.dispose());

const admin = () => fixture.platform.admin;
const users = (...names: string[]) => itemsOf(names.map((name) => ['users', name, { name }]));
const count = (from: string): number => {
  const db = new Database(join(fixture.dataDir, 'platform.db'), { readonly: true });
  try {
    return (db.prepare(`SELECT count(*) AS n FROM ${from}`).get() as { n: number }).n;
  } finally {
    db.close();
  }
};
const acknowledge = (records: readonly object[], key: string = randomUUID()) =>
  client.call('POST', client.agentPath('/acks'), { json: { records }, headers: { 'idempotency-key': key } });
const activity = () => ({
  id: randomUUID(),
  at: new Date(fixture.time).toISOString(),
  kind: 'activity',
  activity: 'Manifest Downloaded',
});
const opening = () => {
  const { request, raw } = client.changesTo('Inventory', users('a'), 'snapshot');
  const encoded = gzipSync(raw);
  return { request: { ...described(encoded), ...request }, encoded };
};

describe('bounds', () => {
  it('keep the newest first answers of an agent', async () => {
    for (let n = 0; n < 6; n++) {
      await acknowledge([activity()], `key-${n}`);
      fixture.advance(1);
    }
    expect(count('idempotency')).toBe(3);
    const record = activity();
    await acknowledge([record], 'again');
    expect((await acknowledge([{ ...record, activity: 'x' }], 'again')).code).toBe('BAD_REQUEST');
    expect((await acknowledge([{ ...record, activity: 'x' }], 'key-0')).status).toBe(200);
  });

  it('keep how the newest uploads ended, and answer for those', async () => {
    for (let n = 0; n < 4; n++) {
      expect((await client.upload('Inventory', users(`u${n}`))).status).toBe(200);
      fixture.advance(1);
    }
    expect(count("uploads WHERE kind <> 'fim'")).toBe(2);
    expect(admin().show(client.agentId).types['Inventory']).toMatchObject({ seq: 4 });
  });

  it('R205 keep the newest events of a stream, by number, by bytes and by age, and say how many went', async () => {
    const chain = new Chain();
    const stream = () => admin().eventState(client.agentId).streams[0];
    expect((await sendEvents(client, chain.files(3))).status).toBe(200);
    fixture.advance(60 * 24 * 3600);
    expect((await sendEvents(client, chain.files(4))).status).toBe(200);
    expect(stream()).toMatchObject({ events: 5, dropped: 2, droppedAt: fixture.time, lost: 0, faults: 0 });
    const diff = 'x'.repeat(3_000);
    const large = () => chain.seal(fimEvent({ wayfarer: { diff } }));
    await sendEvents(client, [large(), large()]);
    expect(stream()?.bytes).toBeLessThanOrEqual(8_000);
    expect(stream()).toMatchObject({ events: 2, dropped: 7 });
    await sendEvents(client, chain.files(1));
    fixture.advance(91 * 24 * 3600);
    await sendEvents(client, chain.files(1));
    expect(stream()).toMatchObject({ events: 1, dropped: 10, oldestAt: fixture.time });
    expect(count('event_records')).toBe(1);
    expect(await admin().verifyEvents()).toMatchObject([{ events: 1, dropped: 10, faults: [] }]);
  });

  it('drop what has become too old on a host that sends nothing more', async () => {
    await sendEvents(client, new Chain().files(5));
    fixture.advance(91 * 24 * 3600);
    await fixture.stop();
    await fixture.start();
    await until(
      'old events are gone',
      () => admin().eventState(client.agentId).streams[0]?.events === 0 || undefined,
    );
    expect(admin().eventState(client.agentId).streams[0]).toMatchObject({ dropped: 5, oldestAt: null });
    Object.assign(client, { target: fixture.platform });
  });

  it('keep the newest archives of logs, and take none that is too large', async () => {
    const send = (bytes: number) => {
      const raw = Buffer.alloc(bytes, 'x');
      return client.send({ kind: 'logs', encoding: 'identity', rawBytes: bytes }, raw);
    };
    for (const bytes of [5, 6, 7]) {
      expect((await send(bytes)).status).toBe(200);
      fixture.advance(60);
    }
    expect(admin().logs(client.agentId)).toMatchObject([
      { agent: client.agentId, bytes: 7, chunks: 1, at: fixture.time - 60_000 },
      { agent: client.agentId, bytes: 6, chunks: 1, at: fixture.time - 120_000 },
    ]);
    const refused = await send(21);
    expect([refused.status, refused.code]).toEqual([400, 'BAD_REQUEST']);
    expect(admin().logs(client.agentId)).toHaveLength(2);
  });

  it('refuse a delta that makes a snapshot too long, and keep the snapshot', async () => {
    await client.upload('Inventory', users('a', 'b', 'c', 'd'));
    const reply = await client.upload('Inventory', users('a', 'b', 'c', 'd', 'e'));
    expect([reply.status, reply.code]).toEqual([400, 'BAD_REQUEST']);
    expect(admin().show(client.agentId).types['Inventory']).toMatchObject({ seq: 1, rows: 4 });
  });

  it('keep the newest acknowledged commands', async () => {
    for (let n = 0; n < 4; n++) {
      const command = admin().command(client.agentId, 'SYNC_CHECK');
      const { id, at } = activity();
      await acknowledge([
        { id, at, kind: 'command', commandId: command?.id, type: 'SYNC_CHECK', result: 'DONE' },
      ]);
      fixture.advance(1);
    }
    expect(admin().show(client.agentId).commands).toHaveLength(2);
  });

  it('leave one command waiting per module, however often its key is edited while the host is away', async () => {
    const { activationKey } = admin().show(client.agentId);
    for (let n = 0; n < 5; n++) {
      admin().editKey(activationKey, { modules: ['AI'], applyToAgents: true });
      admin().editKey(activationKey, { modules: ['AI', 'VM', 'FIM'], applyToAgents: true });
    }
    const { commands } = (await client.heartbeat()).body as { commands: { type: string; args: object }[] };
    expect(commands.map(({ type, args }) => ({ type, args }))).toEqual([
      { type: 'ACTIVATE', args: { module: 'VM' } },
      { type: 'ACTIVATE', args: { module: 'FIM' } },
    ]);
  });

  it('R108 keep the reply of a heartbeat under a kilobyte, the other commands for the next one', async () => {
    for (let n = 0; n < 12; n++) admin().command(client.agentId, 'SCAN_NOW', { type: 'Vulnerability', n });
    const seen = new Set<string>();
    while (seen.size < 12) {
      const reply = await client.heartbeat();
      expect(reply.bytes.length).toBeLessThanOrEqual(1_000);
      const { commands } = reply.body as { commands: { id: string; type: string }[] };
      expect(commands.length).toBeGreaterThan(1);
      const { at } = activity();
      await acknowledge(
        commands.map(({ id, type }) => ({
          id: randomUUID(),
          at,
          kind: 'command',
          commandId: id,
          type,
          result: 'DONE',
        })),
      );
      for (const { id } of commands) seen.add(id);
    }
  });
});

describe('uploads', () => {
  it('that were removed are not given out again to a repeated opening', async () => {
    const { request, encoded } = opening();
    const first = (await client.open(request, 'open-1')).body as { uploadId: string };
    fixture.advance(25 * 3600);
    await fixture.stop();
    await fixture.start();
    Object.assign(client, { target: fixture.platform });
    expect((await client.chunk(first.uploadId, 0, encoded)).code).toBe('UPLOAD_UNKNOWN');
    const second = (await client.open(request, 'open-1')).body as { uploadId: string };
    expect(second.uploadId).not.toBe(first.uploadId);
    expect((await client.chunk(second.uploadId, 0, encoded)).status).toBe(200);
  });

  it('are abandoned a day after their last chunk, not after their opening', async () => {
    const noise = itemsOf([['users', 'a', { salt: 'x'.repeat(100_000) }]]);
    const { request, raw } = client.changesTo('Inventory', noise, 'snapshot');
    const opened = await client.open({ ...described(raw), ...request, encoding: 'identity' });
    const { uploadId } = opened.body as { uploadId: string };
    fixture.advance(23 * 3600);
    expect((await client.chunk(uploadId, 0, raw.subarray(0, 65_536))).status).toBe(200);
    fixture.advance(23 * 3600);
    await fixture.stop();
    await fixture.start();
    Object.assign(client, { target: fixture.platform });
    expect((await client.chunk(uploadId, 1, raw.subarray(65_536))).status).toBe(200);
    expect((await client.commit(uploadId)).status).toBe(200);
  });

  it('whose chunks are gone from the disk are asked for again', async () => {
    const { request, encoded } = opening();
    const { uploadId } = (await client.open(request)).body as { uploadId: string };
    await client.chunk(uploadId, 0, encoded);
    rmSync(join(fixture.dataDir, 'uploads', uploadId), { recursive: true });
    expect((await client.commit(uploadId)).code).toBe('UPLOAD_INCOMPLETE');
    expect((await client.call('GET', client.agentPath(`/uploads/${uploadId}`))).body).toMatchObject({
      held: [],
    });
    await client.chunk(uploadId, 0, encoded);
    expect((await client.commit(uploadId)).status).toBe(200);
  });

  it('under commit are not removed by new openings of the same agent', async () => {
    await fixture.stop();
    await fixture.start({ limits: { openUploads: 1 } });
    Object.assign(client, { target: fixture.platform });
    const many = itemsOf(Array.from({ length: 20_000 }, (_, n) => ['users', `u${n}`, { n }]));
    const { request, raw } = client.changesTo('Inventory', many, 'snapshot');
    const encoded = gzipSync(raw);
    const opened = await client.open({ ...described(encoded, 1024 * 1024), ...request });
    const { uploadId } = opened.body as { uploadId: string };
    await client.chunk(uploadId, 0, encoded);
    const committing = client.commit(uploadId);
    const codes: (string | undefined)[] = [];
    const ended = committing.then(() => true);
    while (
      !(await Promise.race([
        ended,
        client.open(opening().request).then(({ code }) => {
          codes.push(code);
          return false;
        }),
      ]))
    );
    expect((await committing).status).toBe(200);
    expect(codes).toContain('BUSY');
    expect((await client.open(opening().request)).status).toBe(201);
  });

  it('of one type that two agents of one image commit at once leave one whole result', async () => {
    await client.upload('Inventory', users('a'));
    const prepare = async (...names: string[]) => {
      const { request, raw } = client.changesTo('Inventory', users(...names), 'delta');
      const encoded = gzipSync(raw);
      const opened = await client.open({ ...described(encoded), ...request });
      const { uploadId } = opened.body as { uploadId: string };
      await client.chunk(uploadId, 0, encoded);
      return uploadId;
    };
    const ids = [await prepare('a', 'b'), await prepare('a', 'c')];
    const replies = await Promise.all(ids.map((id) => client.commit(id)));
    expect(replies.map((reply) => reply.code ?? reply.status).sort()).toEqual([200, 'BASE_MISMATCH']);
    expect(admin().show(client.agentId).types).toEqual({});
  });
});
