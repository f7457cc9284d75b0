import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CommitReply, OpenUploadRequest } from '../../shared/wire.ts';
import { lost, refusal } from './testing/fake-platform.ts';
import { DAY, deb, MINUTE, Rig } from './testing/rig.ts';

const KIB = 1024;

let rig: Rig;
beforeEach(() => {
  rig = new Rig();
});
afterEach(() => rig.dispose());

const opened = (): OpenUploadRequest[] =>
  rig.platform.of('openUpload').map((call) => call.body as OpenUploadRequest);
/** Gives the host rows that stay about this long when they are compressed. */
const fillHost = (rows: number, bytesEach: number): void => {
  const noise = Array.from({ length: rows }, (_, n) =>
    deb(`p${n}`, randomBytes(bytesEach).toString('base64')),
  );
  rig.collector.host.set('Inventory', noise);
};
/** An agent in sync, then one more package. */
const startWithChange = async (): Promise<void> => {
  await rig.start();
  await rig.pass(5 * MINUTE);
  rig.collector.host.set('Inventory', [deb('bash'), deb('curl', 2), deb('zsh')]);
};
const noticeChange = async (): Promise<void> => {
  rig.collector.changed();
  await rig.settle();
};

describe('what is uploaded', () => {
  it('R022 R317 is the whole snapshot first, then only what changed', async () => {
    await startWithChange();
    await noticeChange();
    expect(opened().map(({ kind, newSeq }) => [kind, newSeq])).toEqual([
      ['snapshot', 1],
      ['delta', 2],
    ]);
    const uploads = rig.events.filter((event) => event.name === 'uploaded');
    expect(uploads).toMatchObject([
      { set: 2, del: 0 },
      { set: 2, del: 0 },
    ]);
    expect(rig.inSync()).toBe(true);
  });

  it('R317 is an empty delta where nothing changed', async () => {
    await rig.start();
    await rig.pass(DAY);
    expect(rig.platform.commits).toHaveLength(2);
    expect(rig.events.filter((event) => event.name === 'uploaded')[1]).toMatchObject({
      seq: 2,
      set: 0,
      del: 0,
    });
  });

  it('R122 R123 goes on record once it is committed', async () => {
    rig.platform.modules = ['AI', 'VM'];
    await rig.start();
    const activities = [...rig.platform.records.values()].flatMap((record) =>
      record.kind === 'activity' ? [record.activity] : [],
    );
    expect(activities.filter((activity) => activity.endsWith('Complete')).sort()).toEqual([
      'Inventory Scan Complete',
      'Scan Complete',
    ]);
    expect(rig.status.lastActivity?.name).toBe('Scan Complete');
  });

  it('R223 is followed by a comparison of both sides, and by one every day', async () => {
    await rig.start();
    expect(rig.platform.of('syncCheck')).toHaveLength(1);
    rig.platform.profile = { ...rig.platform.profile, suspendCollection: true };
    rig.platform.profileVersion = 2;
    await rig.pass(2 * DAY);
    expect(rig.platform.of('syncCheck')).toHaveLength(3);
  });
});

describe('chunks', () => {
  it('R142 R143 R144 of 4 MB at 1024 KB are four, begun at 0, 10, 20 and 30 s', async () => {
    fillHost(8, 490 * KIB);
    await rig.start();
    const began = rig.clock.now();
    await rig.pass(MINUTE);
    const chunks = rig.platform.of('putChunk').map((call) => call.at - began);
    expect(chunks).toEqual([0, 10_000, 20_000, 30_000]);
    expect(rig.platform.of('commit').map((call) => call.at - began)).toEqual([30_000]);
    expect(rig.inSync()).toBe(true);
  });

  it('R008 are resumed at the first missing one after a kill', async () => {
    fillHost(8, 490 * KIB);
    await rig.start();
    await rig.pass(10_000);
    await rig.kill();
    await rig.start();
    await rig.pass(MINUTE);
    expect(rig.platform.of('putChunk')).toHaveLength(4);
    expect(opened()).toHaveLength(1);
    expect(rig.inSync()).toBe(true);
    expect(rig.platform.commits).toHaveLength(1);
  });

  it('leave room for a heartbeat', async () => {
    rig.platform.profile = { ...rig.platform.profile, deltaUploadIntervalSec: 600 };
    fillHost(8, 490 * KIB);
    await rig.start();
    const before = rig.platform.of('heartbeat').length;
    await rig.pass(30 * MINUTE);
    expect(rig.platform.of('heartbeat').length - before).toBe(2);
    expect(rig.inSync()).toBe(true);
  });

  it('are halved after 413, down to 64 KB, and then the upload counts as refused', async () => {
    rig.platform.profile = { ...rig.platform.profile, chunkSizeKb: 200 };
    const tooLarge = { fail: refusal(413, 'TOO_LARGE') };
    rig.platform.twist('openUpload', tooLarge, tooLarge, tooLarge);
    await rig.start();
    await rig.pass(MINUTE);
    expect(opened().map((request) => request.chunkBytes / KIB)).toEqual([200, 100, 64]);
    expect(rig.conditions).toContain('UPLOAD_REFUSED');
    expect(rig.facts.pending).toBeNull();
  });
});

describe('an upload that fails', () => {
  it.each([
    ['opening', 'openUpload', lost],
    ['a chunk', 'putChunk', lost],
    ['the commit', 'commit', lost],
    ['opening', 'openUpload', refusal(500, 'INTERNAL')],
    ['a chunk', 'putChunk', refusal(503, 'BUSY', 30)],
    ['the commit', 'commit', refusal(429, 'BUSY', 30)],
    ['a chunk', 'putChunk', { kind: 'unverified', reason: 'reply is not signed' } as const],
    ['a chunk', 'putChunk', refusal(404, 'UPLOAD_UNKNOWN')],
    ['the commit', 'commit', refusal(409, 'UPLOAD_INCOMPLETE')],
  ] as const)('R008 loses and doubles nothing: %s (%s) with %o', async (_, call, fail) => {
    await startWithChange();
    rig.platform.twist(call, { fail });
    await noticeChange();
    expect(rig.platform.commits).toHaveLength(1);
    expect(rig.facts.pending).not.toBeNull();
    await rig.pass(2 * MINUTE);
    expect(rig.inSync()).toBe(true);
    expect(rig.platform.commits).toHaveLength(2);
    expect(new Set(rig.platform.commits).size).toBe(2);
    expect(rig.collector.collections).toHaveLength(2);
  });

  it.each(['openUpload', 'putChunk', 'commit'] as const)(
    'R008 and whose answer to %s is lost is not done twice',
    async (call) => {
      await startWithChange();
      rig.platform.twist(call, { lose: true });
      await noticeChange();
      await rig.pass(2 * MINUTE);
      expect(rig.inSync()).toBe(true);
      expect(rig.platform.commits).toHaveLength(2);
      expect(rig.platform.uploads.size).toBe(2);
      expect(rig.facts.types.Inventory?.seq).toBe(2);
    },
  );

  it('waits as long as the platform asks, and not less', async () => {
    await startWithChange();
    rig.platform.twist('putChunk', { fail: refusal(503, 'BUSY', 300) });
    await noticeChange();
    const began = rig.clock.now();
    await rig.pass(10 * MINUTE);
    const chunks = rig.platform.of('putChunk').filter((call) => call.at >= began);
    expect(chunks).toHaveLength(2);
    expect((chunks[1]?.at ?? 0) - began).toBeGreaterThanOrEqual(300_000);
  });

  it('for hours keeps the agent checking in and its records flowing, and is tried ever less often', async () => {
    await startWithChange();
    rig.platform.twist('putChunk', ...Array.from({ length: 500 }, () => ({ fail: lost })));
    const before = {
      heartbeats: rig.platform.of('heartbeat').length,
      chunks: rig.platform.of('putChunk').length,
    };
    await noticeChange();
    const command = rig.platform.command('FRY_EGGS');
    await rig.pass(6 * 60 * MINUTE);
    expect(rig.platform.of('heartbeat').length - before.heartbeats).toBeGreaterThanOrEqual(20);
    expect(rig.platform.of('putChunk').length - before.chunks).toBeLessThanOrEqual(40);
    expect([...rig.platform.records.values()]).toContainEqual(
      expect.objectContaining({ commandId: command.id }),
    );
    rig.platform.straighten();
    await rig.pass(30 * MINUTE);
    expect(rig.inSync()).toBe(true);
  });

  it('with 403 for the activation key stops, and asks the platform what is in force', async () => {
    await startWithChange();
    rig.platform.twist(
      'openUpload',
      ...Array.from({ length: 50 }, () => ({ fail: refusal(403, 'KEY_EXPIRED') })),
    );
    const heartbeats = rig.platform.of('heartbeat').length;
    await noticeChange();
    await rig.pass(MINUTE);
    expect(rig.platform.of('heartbeat').length).toBeGreaterThan(heartbeats);
    expect(opened().length).toBeLessThan(8);
    expect(rig.facts.pending).not.toBeNull();
  });

  it('R314 with 403 MODULE_NOT_ACTIVE drops delta and type', async () => {
    rig.platform.modules = ['AI', 'VM'];
    rig.platform.twist('openUpload', { fail: refusal(403, 'MODULE_NOT_ACTIVE') });
    await rig.begin();
    await rig.until(() => rig.platform.of('openUpload').length === 1);
    rig.platform.modules = ['VM'];
    await rig.settle();
    expect(rig.facts.pending).toBeNull();
    expect(rig.status.types.Inventory?.seq ?? 0).toBe(0);
  });
});

describe('a refused body', () => {
  it('is never sent again: one full collection a day is, whatever changes meanwhile', async () => {
    await startWithChange();
    rig.platform.twist('openUpload', { fail: refusal(400, 'BAD_REQUEST') });
    await noticeChange();
    expect(rig.conditions).toEqual(['UPLOAD_REFUSED']);
    expect(rig.facts.types.Inventory?.seq).toBe(0);
    await rig.pass(12 * 60 * MINUTE);
    await noticeChange();
    await rig.kill();
    await rig.start();
    await rig.pass(12 * 60 * MINUTE - 1000);
    expect(rig.collector.collections).toHaveLength(2);
    await rig.pass(1000);
    expect(opened().at(-1)).toMatchObject({ kind: 'snapshot', newSeq: 1 });
    expect(rig.inSync()).toBe(true);
    expect(rig.conditions).toEqual([]);
  });
});

describe('sides that differ', () => {
  it.each([
    ['the platform finds another base', refusal(409, 'BASE_MISMATCH')],
    ['the platform arrives at another root', refusal(409, 'INTEGRITY_MISMATCH')],
  ])('R220 R221 start over with a full collection: %s', async (_, fail) => {
    await startWithChange();
    rig.platform.twist('commit', { fail });
    await noticeChange();
    expect(
      opened()
        .map(({ kind, newSeq }) => [kind, newSeq])
        .slice(1),
    ).toEqual([
      ['delta', 2],
      ['snapshot', 1],
    ]);
    expect(rig.inSync()).toBe(true);
    expect(rig.events).toContainEqual(expect.objectContaining({ name: 'resync', types: ['Inventory'] }));
  });

  it('R220 R221 start over where this side finds that the answer is another root', async () => {
    await startWithChange();
    const change = (reply: CommitReply): CommitReply => ({ ...reply, root: 'b'.repeat(64) });
    rig.platform.twist('commit', { change });
    await noticeChange();
    expect(opened().at(-1)).toMatchObject({ kind: 'snapshot', newSeq: 1 });
    expect(rig.inSync()).toBe(true);
  });

  it('R221 R223 start over where the daily comparison finds it', async () => {
    await rig.start();
    rig.platform.agent.snapshots.delete('Inventory');
    await rig.pass(DAY);
    await rig.pass(MINUTE);
    expect(rig.inSync()).toBe(true);
    expect(rig.conditions).toEqual([]);
  });

  it('and never agree do not keep the host busy', async () => {
    rig.platform.twist(
      'commit',
      ...Array.from({ length: 90 }, () => ({ fail: refusal(409, 'INTEGRITY_MISMATCH') })),
    );
    await rig.start();
    await rig.pass(60 * MINUTE);
    expect(rig.collector.collections.length).toBeLessThanOrEqual(5);
  });
});
