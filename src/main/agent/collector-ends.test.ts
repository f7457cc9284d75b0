import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { shortKey } from '../../wire/item.ts';
import { deb, MINUTE, Rig } from './testing/rig.ts';

let rig: Rig;
beforeEach(() => {
  rig = new Rig();
});
afterEach(() => rig.dispose());

describe('a collector', () => {
  it('that never becomes ready is given up after a minute and started again', async () => {
    rig.collector.ready = false;
    await rig.start();
    await rig.pass(MINUTE);
    expect(rig.collector.stopped).toBe(1);
    expect(rig.lines.join()).toContain('did not become ready');
    rig.collector.ready = true;
    await rig.pass(1000);
    expect(rig.inSync()).toBe(true);
  });

  it('that gets stuck is given up after two minutes without a sign, but not for having slept', async () => {
    rig.collector.behaviour = 'waits';
    await rig.start();
    await rig.jump(8 * 60 * MINUTE);
    expect(rig.collector.started).toBe(1);
    await rig.pass(2 * MINUTE - 1);
    rig.collector.say({
      kind: 'alive',
      job: rig.collector.lastCollection.job,
      rssBytes: 90_000_000,
      cpuMs: 1,
    });
    await rig.pass(2 * MINUTE - 1);
    expect(rig.collector.stopped).toBe(0);
    await rig.pass(1);
    expect(rig.collector.stopped).toBe(1);
    rig.collector.behaviour = 'answers';
    await rig.pass(1000);
    expect(rig.inSync()).toBe(true);
  });

  it('that dies again and again is started ever less often', async () => {
    rig.collector.ready = false;
    await rig.start();
    const starts: number[] = [];
    for (let n = 0; n < 9; n += 1) {
      rig.collector.die();
      await rig.settle();
      const from = rig.clock.now();
      const before = rig.collector.started;
      while (rig.collector.started === before) await rig.pass(1000);
      starts.push((rig.clock.now() - from) / 1000);
    }
    expect(starts).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60]);
  });
});

describe('a scan whose collector ends in the middle', () => {
  const tasks = ['a', 'b', 'c'].map((id) => ({ id, table: 'deb', params: {} }));
  /** Begins a task, and finishes it with a row, by the collector that runs. */
  const begin = (id: string): void => {
    rig.collector.say({ kind: 'started', job: rig.collector.lastCollection.job, id });
  };
  const finish = (id: string): void => {
    const { job } = rig.collector.lastCollection;
    rig.collector.say({ kind: 'batch', job, items: [deb(id)] });
    rig.collector.say({ kind: 'task', job, id, table: 'deb', rows: 1, ms: 1 });
  };
  const done = (): void => {
    const { job } = rig.collector.lastCollection;
    rig.collector.say({ kind: 'done', job, rows: 0, tables: {}, errors: [], cpuMs: 5, elapsedMs: 5 });
  };
  const die = async (ms = 1_000): Promise<void> => {
    rig.collector.die();
    await rig.pass(ms);
  };

  beforeEach(async () => {
    rig.platform.tasks = tasks;
    rig.collector.behaviour = 'waits';
    await rig.start();
  });

  it('keeps what finished tasks gave and reads the others, as the same scan', async () => {
    begin('a');
    finish('a');
    begin('b');
    rig.collector.say({ kind: 'batch', job: rig.collector.lastCollection.job, items: [deb('half')] });
    await die();
    expect(rig.collector.lastCollection).toMatchObject({ tasks, finished: ['a'] });
    expect(rig.collector.sent.filter(({ kind }) => kind === 'known')).toEqual([
      expect.objectContaining({ keys: [shortKey(deb('a').key)] }),
    ]);
    for (const id of ['b', 'c']) {
      begin(id);
      finish(id);
    }
    done();
    await rig.until(() => rig.facts.types.Inventory?.seq === 1);
    expect(rig.platform.itemsOf('Inventory')).toHaveLength(3);
    expect(rig.conditions).toEqual([]);
  });

  it('leaves a task out that ended two collectors in a row, says so, and reads the rest', async () => {
    begin('a');
    finish('a');
    for (let n = 0; n < 2; n += 1) {
      begin('b');
      await die(5_000);
    }
    expect(rig.collector.lastCollection.finished).toEqual(['a', 'b']);
    begin('c');
    finish('c');
    done();
    await rig.until(() => rig.facts.types.Inventory?.seq === 1);
    expect(rig.platform.itemsOf('Inventory').map(({ row }) => JSON.parse(row) as unknown)).toContainEqual({
      table: 'deb',
      task: 'b',
      reason: 'its reading ended the collector twice',
    });
    expect(rig.conditions).toEqual(['TABLE_ERRORS']);
  });

  it('fails, and is tried again after a pause, where no task had begun either time', async () => {
    await die(5_000);
    expect(rig.collector.collections).toHaveLength(2);
    rig.collector.die();
    await rig.settle();
    expect(rig.facts.collecting).toBeNull();
    expect(rig.conditions).toContain('COLLECTION_FAILED');
  });

  it('R029 because it had more memory than its budget is resumed, and people are told what the setting is', async () => {
    const { job } = rig.collector.lastCollection;
    begin('a');
    finish('a');
    begin('b');
    rig.collector.say({ kind: 'alive', job, rssBytes: 512 * 1024 * 1024, cpuMs: 7 });
    expect(rig.collector.stopped).toBe(0);
    rig.collector.say({ kind: 'alive', job, rssBytes: 600 * 1024 * 1024, cpuMs: 9 });
    await rig.settle();
    expect(rig.collector.stopped).toBe(1);
    await rig.pass(1_000);
    expect(rig.collector.lastCollection.finished).toEqual(['a']);
    expect(rig.status.conditions).toMatchObject([
      {
        code: 'COLLECTOR_MEMORY',
        text: expect.stringMatching(
          /600 MB .*Inventory.* 512 MB.*CollectorMemoryMb in .*agent\.conf/,
        ) as string,
      },
    ]);
    for (const id of ['b', 'c']) finish(id);
    done();
    await rig.until(() => rig.facts.types.Inventory?.seq === 1);
    expect(rig.conditions).toEqual(['COLLECTOR_MEMORY']);
    rig.collector.behaviour = 'answers';
    rig.collector.changed();
    await rig.pass(2 * MINUTE);
    expect(rig.conditions).toEqual([]);
  });
});
