import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { shortKey } from '../../wire/item.ts';
import { StoreError } from '../queue/store-error.ts';
import { DAY, deb, MINUTE, Rig } from './testing/rig.ts';

/* A scan whose agent ends in the middle: what is kept on the disk, and what another run makes of it. */

const SECOND = 1_000;
const tasks = ['a', 'b', 'c'].map((id) => ({ id, table: 'deb', params: {} }));

let rig: Rig;
beforeEach(async () => {
  rig = new Rig();
  rig.platform.tasks = tasks;
  rig.collector.behaviour = 'waits';
  rig.collector.host.set(
    'Inventory',
    tasks.map(({ id }) => deb(id)),
  );
  await rig.start();
});
afterEach(() => rig.dispose());

const job = (): number => rig.collector.lastCollection.job;
/** Reads a task to its end, a second after the one before. */
const finish = async (id: string, error?: string): Promise<void> => {
  await rig.pass(SECOND);
  rig.collector.say({ kind: 'started', job: job(), id });
  rig.collector.say({ kind: 'batch', job: job(), items: [deb(id)] });
  rig.collector.say({
    kind: 'task',
    job: job(),
    id,
    table: 'deb',
    rows: 1,
    ms: 1,
    ...(error !== undefined && { error }),
  });
};
const done = async (): Promise<void> => {
  rig.collector.say({ kind: 'done', job: job(), rows: 0, tables: {}, errors: [], cpuMs: 5, elapsedMs: 5 });
  await rig.until(() => rig.facts.types.Inventory?.seq === 1);
  await rig.settle();
};
/** Ends the agent as a power cut does, and starts it again after a while. */
const interrupt = async (offMs = MINUTE): Promise<void> => {
  await rig.kill();
  rig.clock.jumpTo(rig.clock.now() + offMs);
  await rig.start();
};

describe('a scan whose agent ends in the middle', () => {
  it('goes on at the task after the last one that finished, and gives the same rows', async () => {
    await finish('a');
    await finish('b', 'half of it');
    rig.collector.say({ kind: 'started', job: job(), id: 'c' });
    rig.collector.say({ kind: 'batch', job: job(), items: [deb('half')] });
    await interrupt();
    expect(rig.collector.lastCollection).toMatchObject({ tasks, finished: ['a', 'b'] });
    const keys = rig.collector.sent.flatMap((message) => (message.kind === 'known' ? message.keys : []));
    expect(keys).toEqual(['a', 'b'].map((id) => shortKey(deb(id).key)));
    expect(rig.status.busy).toMatchObject({ tasksDone: 2, tasks: 3 });
    await finish('c');
    await done();
    expect(rig.inSync()).toBe(true);
    expect(rig.conditions).toEqual(['TABLE_ERRORS']);
  });

  it('is followed by a whole one, since what was read before may have changed meanwhile', async () => {
    await finish('a');
    await interrupt();
    for (const id of ['b', 'c']) await finish(id);
    await done();
    rig.collector.host.set('Inventory', [deb('a', 2), deb('b'), deb('c')]);
    rig.collector.behaviour = 'answers';
    const before = rig.collector.collections.length;
    await rig.pass(2 * MINUTE);
    expect(rig.collector.collections).toHaveLength(before + 1);
    expect(rig.collector.lastCollection.finished).toBeUndefined();
    expect(rig.inSync()).toBe(true);
    await rig.pass(60 * MINUTE);
    expect(rig.collector.collections).toHaveLength(before + 1);
  });

  it('goes on again and again, as long as it is not an hour old', async () => {
    await finish('a');
    await interrupt(20 * MINUTE);
    await finish('b');
    await interrupt(20 * MINUTE);
    expect(rig.collector.lastCollection.finished).toEqual(['a', 'b']);
    await interrupt(20 * MINUTE);
    expect(rig.collector.lastCollection.finished).toBeUndefined();
  });

  it('goes on after an orderly end of the agent as well', async () => {
    await finish('a');
    await rig.stop();
    await rig.start();
    expect(rig.collector.lastCollection.finished).toEqual(['a']);
  });

  it('begins anew after a clock that was set back', async () => {
    await finish('a');
    await interrupt(-DAY);
    expect(rig.collector.lastCollection.finished).toBeUndefined();
  });

  it('begins anew by another manifest', async () => {
    await finish('a');
    rig.platform.manifestVersions = { Inventory: 2 };
    for (let n = 0; n < 20; n += 1) {
      await rig.pass(MINUTE);
      rig.collector.say({ kind: 'alive', job: job(), rssBytes: 1, cpuMs: 1 });
    }
    expect(rig.facts.types.Inventory?.manifest?.version).toBe(2);
    expect(rig.collector.collections).toHaveLength(1);
    await interrupt();
    expect(rig.collector.lastCollection.finished).toBeUndefined();
  });

  it('waits for the disk once a second at most, so that a manifest of many tasks is not slower for it', async () => {
    await finish('a');
    rig.collector.say({ kind: 'task', job: job(), id: 'b', table: 'deb', rows: 0, ms: 1 });
    await interrupt();
    expect(rig.collector.lastCollection.finished).toEqual(['a']);
  });

  it('leaves nothing behind when it is complete', async () => {
    for (const id of ['a', 'b', 'c']) await finish(id);
    await done();
    expect(rig.core.context.store.snapshots.interrupted()).toBeUndefined();
    await interrupt(2 * DAY);
    expect(rig.collector.lastCollection.finished).toBeUndefined();
  });

  it('fails where the disk does not take how far it has come, and is tried again', async () => {
    const full = new StoreError('FULL', 'database or disk is full');
    const { snapshots } = rig.core.context.store;
    const begin = snapshots.begin.bind(snapshots);
    rig.collector.say({ kind: 'failed', job: job(), reason: 'begin anew' });
    snapshots.begin = (type) => ({
      ...begin(type),
      keepPart: () => {
        throw full;
      },
    });
    await rig.pass(2 * MINUTE);
    await finish('a');
    await rig.settle();
    expect(rig.conditions).toEqual(expect.arrayContaining(['COLLECTION_FAILED', 'DISK_FULL']));
    expect(rig.collector.sent.at(-1)).toMatchObject({ kind: 'cancel' });
    snapshots.begin = begin;
    rig.collector.behaviour = 'answers';
    await rig.pass(20 * MINUTE);
    expect(rig.inSync()).toBe(true);
  });
});
