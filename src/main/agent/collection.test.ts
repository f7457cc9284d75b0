import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { shortKey } from '../../wire/item.ts';
import { StoreError } from '../queue/store-error.ts';
import { lost } from './testing/fake-platform.ts';
import { DAY, deb, MINUTE, Rig } from './testing/rig.ts';

let rig: Rig;
beforeEach(() => {
  rig = new Rig();
});
afterEach(() => rig.dispose());

describe('a collection', () => {
  it('R021 R152 runs the tasks of the manifest at the pace of the profile', async () => {
    rig.platform.tasks = [{ id: 'packages', table: 'deb', params: { all: true } }];
    rig.platform.profile = { ...rig.platform.profile, cpuLimitPct: 20, cpuThrottleMs: 10 };
    await rig.start();
    expect(rig.collector.lastCollection).toMatchObject({
      type: 'Inventory',
      tasks: rig.platform.tasks,
      pace: { cpuLimitPct: 20, cpuThrottleMs: 10 },
    });
  });

  it('R004 is sent as it was read: no row, and no judgement, is added on this side', async () => {
    rig.platform.modules = ['AI', 'VM'];
    const rows = [deb('openssl', 1), deb('bash', 5)];
    rig.collector.host.set('Vulnerability', rows);
    await rig.start();
    const sorted = (items: readonly { key: string; row: string }[]): string[] =>
      items.map(({ key, row }) => `${key} ${row}`).sort();
    expect(sorted(rig.platform.itemsOf('Vulnerability'))).toEqual(sorted(rows));
  });

  it('R012 with tables that could not be read is uploaded, and says which', async () => {
    rig.collector.behaviour = 'waits';
    await rig.start();
    const { job } = rig.collector.lastCollection;
    rig.collector.say({ kind: 'batch', job, items: [deb('bash'), deb('curl')] });
    const errors = [{ table: 'snap', reason: 'not there' }];
    rig.collector.say({ kind: 'task', job, id: 'snap', table: 'snap', rows: 0, ms: 1, error: 'not there' });
    rig.collector.say({ kind: 'done', job, rows: 2, tables: {}, errors, cpuMs: 1, elapsedMs: 1 });
    await rig.until(() => rig.facts.types.Inventory?.seq === 1);
    expect(rig.status.conditions).toMatchObject([
      {
        code: 'TABLE_ERRORS',
        text: 'Inventory: snap. The rest was collected; reasons are in the log and in collection_errors.',
      },
    ]);
  });

  it('is gone on with at once where the collector dies in the middle', async () => {
    rig.collector.behaviour = 'waits';
    await rig.start();
    const { job } = rig.collector.lastCollection;
    rig.collector.say({ kind: 'batch', job, items: [deb('gone')] });
    rig.collector.behaviour = 'answers';
    rig.collector.die();
    await rig.settle();
    expect(rig.events).toContainEqual(expect.objectContaining({ code: 'COLLECTOR_DOWN', raised: true }));
    expect(rig.facts.collecting).toBe('Inventory');
    await rig.pass(1000);
    expect(rig.collector.started).toBe(2);
    expect(rig.inSync()).toBe(true);
    expect(rig.conditions).toEqual([]);
  });

  it('that is complete needs no collector any more', async () => {
    rig.collector.behaviour = 'waits';
    await rig.start();
    rig.collector.answer();
    rig.collector.die();
    await rig.until(() => rig.facts.types.Inventory?.seq === 1);
    expect(rig.inSync()).toBe(true);
    expect(rig.collector.collections).toHaveLength(1);
  });

  it('ignores what is said of another job, and what comes after the end', async () => {
    rig.collector.behaviour = 'waits';
    await rig.start();
    const { job } = rig.collector.lastCollection;
    rig.collector.say({ kind: 'batch', job: job + 1, items: [deb('foreign')] });
    rig.collector.answer();
    rig.collector.say({ kind: 'batch', job, items: [deb('late')] });
    rig.collector.say({ kind: 'failed', job, reason: 'late' });
    await rig.until(() => rig.facts.types.Inventory?.seq === 1);
    expect(rig.inSync()).toBe(true);
  });

  it('that fails is tried again after a minute, then less and less often', async () => {
    rig.collector.behaviour = 'waits';
    await rig.start();
    const began = rig.clock.now();
    const times: number[] = [];
    for (let n = 0; n < 3; n += 1) {
      const { job } = rig.collector.lastCollection;
      rig.collector.say({ kind: 'failed', job, reason: 'no table' });
      await rig.settle();
      expect(rig.conditions).toContain('COLLECTION_FAILED');
      await rig.pass(60_000 * 2 ** n);
      times.push(rig.collector.collections.length);
    }
    expect(times).toEqual([2, 3, 4]);
    expect(rig.clock.now() - began).toBe(7 * MINUTE);
  });

  it('R027 that runs while the host changes is followed by another one', async () => {
    rig.collector.behaviour = 'waits';
    await rig.start();
    rig.collector.changed();
    rig.collector.behaviour = 'answers';
    rig.collector.answer();
    await rig.settle();
    expect(rig.collector.collections).toHaveLength(1);
    await rig.pass(MINUTE);
    expect(rig.collector.collections).toHaveLength(2);
    expect(rig.inSync()).toBe(true);
  });

  it('keeps what asked for it when the agent is killed before it is complete', async () => {
    await rig.start();
    await rig.pass(5 * MINUTE);
    rig.collector.host.set('Inventory', [deb('zsh')]);
    rig.collector.behaviour = 'waits';
    rig.collector.changed();
    await rig.settle();
    expect(rig.facts.collecting).toBe('Inventory');
    rig.collector.behaviour = 'answers';
    await rig.kill();
    await rig.start();
    expect(rig.inSync()).toBe(true);
  });

  it('R027 does not start while collection is suspended, on request neither', async () => {
    rig.platform.profile = { ...rig.platform.profile, suspendCollection: true };
    await rig.start();
    expect(rig.core.requestCycle({})).toEqual({ accepted: [], refused: { Inventory: 'SUSPENDED' } });
    await rig.pass(DAY);
    expect(rig.collector.collections).toHaveLength(0);
    expect(rig.status.phase).toBe('suspended');
  });

  it('R136 stops for a suspended profile, for every type, while profile, manifests and check-ins go on', async () => {
    rig.platform.modules = ['AI', 'VM', 'PC'];
    rig.platform.profile = { ...rig.platform.profile, suspendCollection: true };
    await rig.start();
    rig.collector.changed();
    rig.platform.manifestVersions = { Vulnerability: 2 };
    await rig.pass(2 * DAY);
    expect(rig.collector.collections).toEqual([]);
    expect(rig.facts.types.Vulnerability?.manifest?.version).toBe(2);
    expect(rig.platform.of('heartbeat').length).toBeGreaterThan(100);
    rig.changeProfile({ suspendCollection: false });
    await rig.pass(20 * MINUTE);
    expect(rig.inSync()).toBe(true);
  });

  it('R136 that runs when its profile is suspended may end, and its result is sent', async () => {
    rig.collector.behaviour = 'waits';
    await rig.start();
    rig.changeProfile({ suspendCollection: true });
    for (let n = 0; n < 16; n += 1) {
      rig.collector.say({ kind: 'alive', job: rig.collector.lastCollection.job, rssBytes: 1, cpuMs: 1 });
      await rig.pass(MINUTE);
    }
    expect(rig.facts.profile.suspendCollection).toBe(true);
    rig.collector.answer();
    await rig.until(() => rig.facts.types.Inventory?.seq === 1);
    expect(rig.inSync()).toBe(true);
  });
});

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

describe('a full disk', () => {
  it.each(['batch', 'seal'] as const)('during %s is said, and collection resumes by itself', async (step) => {
    rig.collector.behaviour = 'waits';
    await rig.begin();
    const { snapshots } = rig.core.context.store;
    const begin = snapshots.begin.bind(snapshots);
    const full = new StoreError('FULL', 'database or disk is full');
    snapshots.begin = (type) => {
      const staging = begin(type);
      if (step === 'batch') {
        const add = (): never => {
          throw full;
        };
        return { ...staging, add };
      }
      const seal = (): Promise<never> => {
        staging.abandon();
        return Promise.reject(full);
      };
      return { ...staging, seal };
    };
    await rig.settle();
    rig.collector.answer();
    await rig.until(() => rig.facts.collecting === null);
    expect(rig.conditions).toContain('DISK_FULL');
    snapshots.begin = begin;
    rig.collector.behaviour = 'answers';
    await rig.pass(MINUTE);
    expect(rig.inSync()).toBe(true);
    expect(rig.conditions).toEqual([]);
  });

  it('at a heartbeat is said, tried again a minute later, and forgotten then', async () => {
    await rig.start();
    const { kv } = rig.core.context.store;
    const set = kv.set.bind(kv);
    kv.set = () => {
      throw new StoreError('FULL', 'database or disk is full');
    };
    await rig.pass(15 * MINUTE);
    expect(rig.conditions).toEqual(['DISK_FULL']);
    const attempts = rig.platform.calls.length;
    kv.set = set;
    await rig.pass(MINUTE);
    expect(rig.platform.calls.length).toBeGreaterThan(attempts);
    expect(rig.conditions).toEqual([]);
  });
});

describe('the end of the agent', () => {
  it('waits for the exchange under way and starts nothing after it', async () => {
    let answer: () => void = () => undefined;
    rig.platform.twist('putChunk', {
      wait: new Promise((resolve) => {
        answer = resolve;
      }),
    });
    await rig.begin();
    await rig.until(() => rig.platform.of('putChunk').length === 1);
    const ended = rig.stop();
    answer();
    await ended;
    expect(rig.platform.of('commit')).toHaveLength(0);
    await rig.start();
    expect(rig.platform.of('putChunk')).toHaveLength(1);
    expect(rig.inSync()).toBe(true);
  });

  it('R190 keeps its time where its upload outlives the agent', async () => {
    await rig.start();
    await rig.pass(5 * MINUTE);
    rig.platform.twist('openUpload', { fail: lost });
    rig.collector.host.set('Inventory', [deb('zsh')]);
    rig.collector.changed();
    await rig.settle();
    const collected = rig.status.types.Inventory?.collectedAt;
    await rig.kill();
    rig.clock.jumpTo(rig.clock.now() + MINUTE);
    await rig.begin();
    expect([rig.facts.pending?.type, rig.status.types.Inventory?.collectedAt]).toEqual([
      'Inventory',
      collected,
    ]);
    await rig.settle();
    expect([rig.facts.pending, rig.status.types.Inventory?.collectedAt]).toEqual([null, collected]);
  });
});
