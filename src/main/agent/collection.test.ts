import { afterEach, beforeEach, describe, expect, it } from 'vitest';
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

  it('has samples of processes closer to each other in development, and nowhere else', async () => {
    await rig.start();
    expect(rig.collector.lastCollection.pace).not.toHaveProperty('samplesApartMs');
    await rig.dispose();
    rig = new Rig();
    rig.development = { samplesApartSec: 2 };
    await rig.start();
    expect(rig.collector.lastCollection.pace).toMatchObject({ samplesApartMs: 2_000 });
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
