import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import Database from 'better-sqlite3';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  Chain,
  edrEvent,
  fimEvent,
  gapLine,
  recordOf,
  sendEvents,
} from '../../../test/support/sealed-events.ts';
import type { PlatformClient } from '../../../test/support/platform-client.ts';
import { PlatformFixture } from '../../../test/support/platform-fixture.ts';

let fixture: PlatformFixture;
let client: PlatformClient;
let chain: Chain;
beforeEach(async () => {
  fixture = new PlatformFixture();
  await fixture.start();
  client = await fixture.agent(['AI', 'FIM', 'EDR']);
  chain = new Chain();
});
afterEach(() => fixture.dispose());

const admin = () => fixture.platform.admin;
const state = (of = client) => admin().eventState(of.agentId);
const stream = (name = 'fim') => state().streams.find((one) => one.stream === name);
const found = (filter = {}) => admin().findEvents({ limit: 1_000, ...filter }).events;
const records = (filter = {}) => found(filter).map(({ record }) => record);
const send = async (lines: readonly string[], kind: 'fim' | 'edr' = 'fim'): Promise<void> => {
  expect(await sendEvents(client, lines, kind)).toMatchObject({ status: 200 });
};
const verified = async () => (await admin().verifyEvents()).flatMap(({ faults }) => faults);
/** Changes the database behind the platform's back, as someone with access to its disk would. */
const tamper = (sql: string): void => {
  const db = new Database(join(fixture.dataDir, 'platform.db'));
  try {
    db.pragma('foreign_keys = ON');
    expect(db.prepare(sql).run().changes).toBeGreaterThan(0);
  } finally {
    db.close();
  }
};

describe('events', () => {
  it('R199 are stored as they came, each once, however often their payload comes', async () => {
    const lines = chain.files(450);
    await send(lines);
    await send(lines);
    await send([...lines.slice(-3), ...chain.files(1)]);
    expect(found()).toHaveLength(451);
    expect(new Set(records()).size).toBe(451);
    expect(records()).toEqual(expect.arrayContaining(lines));
    expect(state()).toMatchObject({
      faults: [],
      streams: [{ events: 451, faults: 0, chain: { sequence: 451 } }],
    });
    expect(await verified()).toEqual([]);
  });

  it('R201 of processes stand beside those of files, with a chain of their own', async () => {
    await send(chain.files(1));
    const other = new Chain();
    await send(
      [other.seal(edrEvent()), other.seal(edrEvent({ '@timestamp': '2026-11-20T11:59:59Z' }))],
      'edr',
    );
    expect(state().streams.map(({ stream, events }) => [stream, events])).toEqual([
      ['edr', 2],
      ['fim', 1],
    ]);
    expect(found({ stream: 'edr' })).toHaveLength(2);
    expect(admin().show(client.agentId).streams).toEqual({ fim: 1, edr: 2, logs: 0 });
  });

  it('R199 R206 of values of the registry are stored, and found by their key', async () => {
    const path = 'HKLM\\SOFTWARE\\Run\\Updater';
    const event = fimEvent({ path, type: 'registry' });
    const registry = { hive: 'HKLM', key: 'SOFTWARE\\Run', value: 'Updater', data: { strings: ['x.exe'] } };
    const line = chain.seal({ ...event, event: { ...event.event, category: ['registry'] }, registry });
    await send([line]);
    expect(records({ path })).toEqual([line]);
    expect(await verified()).toEqual([]);
    const wrong = chain.seal({ ...event, registry: { ...registry, key: 7 as unknown as string } });
    expect(await sendEvents(client, [wrong], 'fim')).not.toMatchObject({ status: 200 });
  });

  it('keep what this build does not know of them, and prove their hash with it', async () => {
    const event = { ...fimEvent(), future: { field: [1, { deep: true }] } };
    await send([chain.seal(event)]);
    expect(recordOf(records()[0] ?? '')).toMatchObject({ future: { field: [1, { deep: true }] } });
    expect(state().faults).toEqual([]);
  });

  it('of a host whose clock runs ahead do not stand before all others for ever', async () => {
    await send([chain.seal(fimEvent({ at: '9999-12-31T23:59:59.999Z', path: '/ahead' }))]);
    fixture.advance(60);
    await send([chain.seal(fimEvent({ at: new Date(fixture.time).toISOString(), path: '/now' }))]);
    expect(records().map((record) => recordOf(record).file.path)).toEqual(['/now', '/ahead']);
    expect(recordOf(records()[1] ?? '')['@timestamp']).toBe('9999-12-31T23:59:59.999Z');
  });

  it('are stored once each for any order and repetition of payloads', async () => {
    const order = fc.array(fc.nat(3), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(order, async (picked) => {
        // One of its own: a chain that another agent has sent goes on where it stood there.
        const lines = new Chain().files(30);
        const payloads = [lines.slice(0, 7), lines.slice(7, 8), lines.slice(8, 20), lines.slice(15, 30)];
        const agent = await fixture.agent(['AI', 'FIM']);
        const wanted = new Set(picked.flatMap((n) => payloads[n] ?? []));
        for (const n of picked) await sendEvents(agent, payloads[n] ?? []);
        const held = records({ host: agent.agentId });
        expect(held).toHaveLength(wanted.size);
        expect(new Set(held)).toEqual(wanted);
        // Complete from the first on, in whatever order it came, the chain is whole, and nothing is left open.
        if (wanted.size < lines.length) return;
        expect((await admin().verifyEvents(agent.agentId))[0]?.faults).toEqual([]);
        expect(state(agent).faults.filter((fault) => fault.missing > 0)).toEqual([]);
      }),
      { numRuns: 12 },
    );
  }, 120_000);
});

describe('a follower', () => {
  it('is told of what arrives after the newest events are gone, as with their agent', async () => {
    await send(chain.files(2));
    const last = admin().newestEvent();
    tamper('DELETE FROM host_events');
    const [line = ''] = chain.files(1);
    await send([line]);
    expect(admin().arrivedEvents({}, last)).toMatchObject([{ record: line }]);
  });
});

describe('the chain', () => {
  it('R205 takes a jump of as many records as gaps say were dropped for none', async () => {
    await send([...chain.files(2), chain.lose(3), ...chain.files(1)]);
    const trailing = chain.lose(4);
    await send([trailing]);
    const lines = [chain.lose(1), ...chain.files(2)];
    await send(lines);
    await send([trailing, ...lines]);
    expect(state()).toMatchObject({ faults: [], streams: [{ events: 5, lost: 8, faults: 0 }] });
    expect(state().gaps).toHaveLength(3);
    expect(await verified()).toEqual([]);
  });

  it('R205 may begin behind what its host had to drop', async () => {
    await send([chain.lose(10), ...chain.files(1)]);
    expect(state().faults).toEqual([]);
    expect(await verified()).toEqual([]);
  });

  it.each([
    ['no gap', 2, 0, '3', '5'],
    ['a gap of fewer', 3, 2, '5', '6'],
    ['a gap of more', 1, 2, '5', '4'],
  ])(
    'is broken by a jump with %s, which is on record with what was expected',
    async (_, lost, said, expected, seen) => {
      await send(chain.files(2));
      chain.lose(lost);
      await send([...(said > 0 ? [gapLine(said)] : []), ...chain.files(2)]);
      const fault = {
        code: 'CHAIN_BROKEN',
        kind: 'sequence',
        stream: 'fim',
        chain: chain.head.id,
        expected,
        found: seen,
      };
      expect(state().faults).toMatchObject([fault]);
      expect(stream()).toMatchObject({ events: 4, faults: 1 });
      expect(found().filter((event) => event.fault === 'sequence')).toHaveLength(1);
      expect(fixture.logged.join('\n')).toContain('CHAIN_BROKEN: 1 faults in the chain of fim');
      expect(await verified()).toMatchObject([{ kind: 'sequence', found: seen }]);
    },
  );

  it('is broken by a record that was changed, and keeps it', async () => {
    const [first = '', second = '', third = ''] = chain.files(3);
    await send([first, second.replace('/etc/file-2', '/etc/file-X'), third]);
    expect(state().faults).toMatchObject([{ kind: 'hash', event: recordOf(second).event.id }]);
    expect(found({ path: '/etc/file-X' })).toMatchObject([{ fault: 'hash' }]);
    expect(await verified()).toMatchObject([{ kind: 'hash', event: recordOf(second).event.id }]);
  });

  it('is broken by a record that was put in the place of another', async () => {
    const [first = '', ...rest] = chain.files(3);
    const forged = new Chain();
    forged.head = { id: chain.head.id, sequence: 0, hash: '0'.repeat(64) };
    await send([forged.seal(fimEvent({ path: '/forged' })), ...rest]);
    expect(state().faults).toMatchObject([{ kind: 'previous', event: recordOf(rest[0] ?? '').event.id }]);
    await send([first]);
    expect(state().faults).toMatchObject([
      { kind: 'sequence', expected: '4', found: '1' },
      { kind: 'previous' },
    ]);
    expect(found()).toHaveLength(4);
    expect((await verified()).map(({ kind }) => kind)).toContain('sequence');
  });

  it('is broken by an id that comes with other content, which makes no second event', async () => {
    const id = randomUUID();
    await send([chain.seal(fimEvent({ id, path: '/one' }))]);
    await send([chain.seal(fimEvent({ id, path: '/two' }))]);
    expect(records().map((record) => recordOf(record).file.path)).toEqual(['/one']);
    expect(state().faults).toMatchObject([{ code: 'CHAIN_BROKEN', kind: 'content', event: id }]);
  });

  it('that a host had to begin anew is on record, and no fault', async () => {
    await send(chain.files(2));
    const anew = new Chain();
    await send(anew.files(2));
    const restarted = { code: 'CHAIN_RESTARTED', expected: chain.head.id, found: anew.head.id };
    expect(state()).toMatchObject({ faults: [restarted], streams: [{ restarts: 1, faults: 0, events: 4 }] });
    expect(await verified()).toEqual([]);
    await send(chain.files(1));
    expect(stream()).toMatchObject({ restarts: 1, faults: 0, chain: { id: anew.head.id, sequence: 2 } });
  });

  it('goes on where it stood when its agent was provisioned anew', async () => {
    await send(chain.files(3));
    const anew = await fixture.agent(['AI', 'FIM']);
    const next = chain.files(2);
    expect((await sendEvents(anew, next)).status).toBe(200);
    expect(state(anew)).toMatchObject({ faults: [], streams: [{ events: 2, chain: { sequence: 5 } }] });
    expect(await verified()).toEqual([]);
    const clone = await fixture.agent(['AI', 'FIM']);
    expect((await sendEvents(clone, next.slice(1))).status).toBe(200);
    expect(state(clone).faults).toMatchObject([{ kind: 'sequence', expected: '4', found: '5' }]);
  });

  it('is whole again when what was missing comes late', async () => {
    const lines = chain.files(6);
    await send([...lines.slice(0, 2), ...lines.slice(4)]);
    expect(state().faults).toMatchObject([{ kind: 'sequence', missing: 2, mendedAt: null }]);
    expect(await verified()).toHaveLength(1);
    await send(lines.slice(2, 4));
    expect(state().faults).toMatchObject([{ missing: 0, mendedAt: fixture.time }]);
    expect(await verified()).toEqual([]);
  });

  it.each([
    [
      'an event was changed',
      `UPDATE event_records SET record = replace(record, '/etc/file-3', '/etc/fileX3')`,
      'hash',
    ],
    ['an event was removed', 'DELETE FROM host_events WHERE sequence = 3', 'sequence'],
    ['the newest was removed', 'DELETE FROM host_events WHERE sequence = 5', 'sequence'],
    [
      'two changed places',
      'UPDATE host_events SET sequence = 7 - sequence WHERE sequence IN (3, 4)',
      'content',
    ],
    ['all were removed', 'DELETE FROM host_events', 'sequence'],
  ])('shows from the rows alone that %s', async (_, sql, kind) => {
    await send(chain.files(5));
    expect(await verified()).toEqual([]);
    tamper(sql);
    expect((await verified()).map((fault) => fault.kind)).toContain(kind);
  });
});

describe('payloads that are wrong', () => {
  const good = () => chain.files(1);
  const deep = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);
  it.each<[string, () => readonly string[], Record<string, unknown>, RegExp]>([
    ['of another agent', good, { agent: randomUUID() }, /line 1: a payload of another agent/],
    ['of another stream', good, { kind: 'edr' }, /line 1: a payload of edr in an upload of fim/],
    ['with fewer lines than they say', good, { count: 2 }, /says 2 lines follow it, there are 1/],
    ['with more lines than they say', () => chain.files(3), { count: 2 }, /line 4: the header says 2/],
    ['with a million lines', () => Array<string>(1_000_000).fill('{}'), {}, /line 1: "count": Too big/],
    ['with a line that is no JSON', () => [...good(), '{'], {}, /line 3: /],
    ['with null for an event', () => [...good(), 'null'], {}, /line 3: /],
    ['with an event of processes', () => [...good(), chain.seal(edrEvent())], {}, /line 3: "event.module"/],
    ['with a gap of processes', () => [...good(), gapLine(1, 'edr')], {}, /line 3: a gap of edr/],
    ['with a gap of nothing', () => [...good(), gapLine(0)], {}, /line 3: "gap.count"/],
    [
      'with a string that is too long',
      () => [...good(), chain.seal(fimEvent({ path: `/${'x'.repeat(20_000)}` }))],
      {},
      /line 3: "file.path": Too big/,
    ],
    [
      'with a line that is too long',
      () => [...good(), chain.seal(fimEvent({ wayfarer: { diff: 'x'.repeat(99_000) } }))],
      {},
      /line 3: longer than 98304 bytes/,
    ],
    [
      'with JSON as deep as a line allows',
      () => [...good(), (good()[0] ?? '').replace('{', `{"deep":${deep(40_000)},`)],
      {},
      /line 3: more than 32 levels/,
    ],
  ])(
    '%s are refused naming the line, and leave nothing',
    async (_, lines, header, message) => {
      const reply = await sendEvents(client, lines(), 'fim', header);
      expect([reply.status, reply.code]).toEqual([400, 'BAD_REQUEST']);
      expect((reply.body as { error: { message: string } }).error.message).toMatch(message);
      expect(found()).toEqual([]);
      expect(state()).toEqual({ agent: client.agentId, streams: [], faults: [], gaps: [] });
      await send(new Chain().files(1));
    },
    30_000,
  );

  it('of a module that is not active are refused', async () => {
    const other = await fixture.agent(['AI', 'FIM']);
    expect((await sendEvents(other, [new Chain().seal(edrEvent())], 'edr')).code).toBe('MODULE_NOT_ACTIVE');
  });

  it('do not mix hosts up that use the same ids and chains', async () => {
    const other = await fixture.agent(['AI', 'FIM']);
    const lines = chain.files(3);
    await send(lines);
    expect((await sendEvents(other, lines)).status).toBe(200);
    expect(found()).toHaveLength(6);
    expect(found({ host: other.agentId })).toHaveLength(3);
    expect(await verified()).toEqual([]);
  });

  it('with text that has no canonical form are kept and marked', async () => {
    const [line = ''] = good();
    await send([line.replace('/etc/file-1', '/etc/\\ud800')]);
    expect(found()).toMatchObject([{ fault: 'hash' }]);
    expect(await verified()).toMatchObject([{ kind: 'hash' }]);
  });

  it('that break the chain a thousand times over leave a bounded record of it', async () => {
    const lines = Array.from({ length: 1_500 }, () => new Chain().seal(fimEvent()));
    await send(lines);
    expect(stream()).toMatchObject({ events: 1_500, restarts: 1_499 });
    expect(fixture.platform.store.hostEvents.faults(1)).toHaveLength(1_000);
    expect(state().faults).toHaveLength(100);
  });
});
