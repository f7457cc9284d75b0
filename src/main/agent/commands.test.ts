import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Command, ProvisionRequest, StatusRequest } from '../../shared/wire.ts';
import { lost } from './testing/fake-platform.ts';
import { DAY, deb, MINUTE, Rig } from './testing/rig.ts';

const anything = z.unknown();

let rig: Rig;
beforeEach(() => {
  rig = new Rig();
});
afterEach(() => rig.dispose());

const cycle = (): Promise<void> => rig.pass(15 * MINUTE);
const results = (command: Command): string[] =>
  [...rig.platform.records.values()].flatMap((record) =>
    record.kind === 'command' && record.commandId === command.id ? [record.result] : [],
  );

describe('the heartbeat', () => {
  const beats = (): StatusRequest[] => rig.platform.of('heartbeat').map((call) => call.body as StatusRequest);

  it('R107 goes every status interval', async () => {
    await rig.start();
    const began = rig.clock.now();
    await rig.pass(60 * MINUTE);
    const times = rig.platform.of('heartbeat').map((call) => (call.at - began) / MINUTE);
    expect(times).toEqual([0, 15, 30, 45, 60]);
  });

  it('counts every attempt, over lost answers, restarts and kills', async () => {
    rig.platform.twist('heartbeat', { fail: lost }, { lose: true });
    await rig.start();
    await rig.pass(MINUTE);
    await rig.kill();
    await rig.start();
    expect(beats().map((beat) => beat.counter)).toEqual([1, 2, 3, 4]);
  });

  it('R108 stays below 1 KB and says what is in sync', async () => {
    rig.platform.modules = ['AI', 'VM', 'PC', 'FIM', 'EDR'];
    await rig.start();
    await cycle();
    const last = beats().at(-1);
    expect(JSON.stringify(last).length).toBeLessThan(1024);
    expect(last?.types.Inventory).toEqual({ seq: 1, root: rig.status.types.Inventory?.root?.slice(0, 8) });
    expect(Object.keys(last?.manifestVersions ?? {})).toHaveLength(8);
  });

  it('goes at once after a day of sleep, one of it, and nothing comes in a burst (rule 9)', async () => {
    await rig.start();
    const before = beats().length;
    await rig.jump(DAY);
    expect(beats()).toHaveLength(before + 1);
    expect(rig.collector.collections).toHaveLength(2);
    expect(rig.inSync()).toBe(true);
  });

  it('goes on where the clock is set back by a day, and so do conditions and collections', async () => {
    await rig.start();
    rig.platform.twist('heartbeat', { fail: lost });
    await cycle();
    const before = beats().length;
    await rig.jump(-DAY);
    await rig.pass(15 * MINUTE);
    expect(beats().length).toBeGreaterThan(before);
    expect(rig.conditions).toEqual([]);
    await rig.pass(DAY);
    expect(rig.collector.collections.length).toBeGreaterThanOrEqual(2);
  });

  it('goes on where the clock was set back while the agent was off', async () => {
    await rig.start();
    await rig.stop();
    rig.clock.jumpTo(rig.clock.now() - 30 * DAY);
    await rig.start();
    expect(rig.facts.types.Inventory?.cycleEndedAt).toBe(rig.clock.now());
    await rig.pass(DAY);
    expect(rig.collector.collections).toHaveLength(2);
    expect(rig.platform.of('syncCheck').length).toBeGreaterThanOrEqual(2);
  });

  it('R166 learns when a cycle was processed, in time or too late', async () => {
    await rig.start();
    const committed = rig.clock.now();
    rig.platform.processed = { Inventory: { seq: 1, at: new Date(committed + 5 * MINUTE).toISOString() } };
    await cycle();
    expect(rig.facts.types.Inventory?.cycleEndedAt).toBe(committed + 5 * MINUTE);
    await rig.kill();
    await rig.start();
    expect(rig.facts.types.Inventory?.cycleEndedAt).toBe(committed + 5 * MINUTE);
  });
});

describe('commands', () => {
  it('R112 are carried out once per id and acknowledged, however often they are sent', async () => {
    await rig.start();
    const command = rig.platform.command('RESYNC');
    rig.platform.twist('acknowledge', ...Array.from({ length: 12 }, () => ({ fail: lost })));
    for (let n = 0; n < 3; n += 1) await cycle();
    rig.platform.straighten();
    await cycle();
    await cycle();
    expect(results(command)).toEqual(['DONE']);
    expect(rig.events.filter((event) => event.name === 'resync')).toHaveLength(1);
    expect(rig.collector.collections).toHaveLength(2);
  });

  it('are acknowledged again where the acknowledgement did not stay', async () => {
    await rig.start();
    const command = rig.platform.command('RESYNC');
    await cycle();
    rig.platform.records.clear();
    await cycle();
    expect(results(command)).toEqual(['DONE']);
    expect(rig.collector.collections).toHaveLength(2);
  });

  it.each([
    ['FRY_EGGS', {}, 'UNSUPPORTED'],
    ['constructor', {}, 'UNSUPPORTED'],
    ['RESYNC', { types: ['FIM'] }, 'REFUSED'],
    ['RESYNC', { types: 'Inventory' }, 'REFUSED'],
    ['ACTIVATE', { module: 'XYZ' }, 'REFUSED'],
  ])('that cannot be carried out are answered so: %s %o', async (type, args, result) => {
    await rig.start();
    const command = rig.platform.command(type, args);
    await cycle();
    expect(results(command)).toEqual([result]);
    expect(rig.collector.collections).toHaveLength(1);
  });

  it.each([
    [true, 'REFUSED', 'the configuration profile prevents updates of the agent (preventAutoUpdate)'],
    [false, 'UNSUPPORTED', 'this build of the agent cannot replace itself: install the release'],
  ])(
    'R137 UPGRADE is decided by the profile: with updates prevented (%s) the answer is %s, and says why',
    async (preventAutoUpdate, result, detail) => {
      rig.platform.profile = { ...rig.platform.profile, preventAutoUpdate };
      await rig.start();
      const command = rig.platform.command('UPGRADE', { version: '9.9.9' });
      await cycle();
      expect(rig.status.profile.updatesPrevented).toBe(preventAutoUpdate);
      expect([...rig.platform.records.values()]).toContainEqual(
        expect.objectContaining({ kind: 'command', commandId: command.id, result, detail }),
      );
    },
  );

  it('R113 R221 RESYNC collects the named types in full', async () => {
    rig.platform.modules = ['AI', 'VM'];
    await rig.start();
    rig.platform.command('RESYNC', { types: ['Vulnerability'] });
    await cycle();
    const types = rig.collector.collections.map((collect) => collect.type);
    expect(types).toEqual(['Inventory', 'Vulnerability', 'Vulnerability']);
    expect(rig.facts.types).toMatchObject({ Inventory: { seq: 1 }, Vulnerability: { seq: 1 } });
  });

  it('R113 R223 SYNC_CHECK compares both sides now', async () => {
    await rig.start();
    rig.platform.command('SYNC_CHECK');
    await cycle();
    expect(rig.platform.of('syncCheck')).toHaveLength(2);
  });

  it('R114 R216 ACTIVATE brings the manifests of a module, which are collected', async () => {
    await rig.start();
    rig.platform.command('ACTIVATE', { module: 'VM' });
    rig.platform.twist('heartbeat', {
      change: (reply: { modules: string[] }) => {
        rig.platform.modules = ['AI', 'VM'];
        return reply;
      },
    });
    await cycle();
    expect(rig.status.modules).toEqual(['AI', 'VM']);
    expect(rig.facts.types.Vulnerability?.seq).toBe(1);
  });

  it('R045 ACTIVATE refuses PC beside SCA', async () => {
    rig.platform.modules = ['AI', 'SCA'];
    await rig.start();
    const command = rig.platform.command('ACTIVATE', { module: 'PC' });
    await cycle();
    expect(results(command)).toEqual(['REFUSED']);
    expect(rig.status.modules).toEqual(['AI', 'SCA']);
  });

  it('R114 R314 DEACTIVATE stops the collection and drops manifest, snapshot and what is pending', async () => {
    rig.platform.modules = ['AI', 'VM'];
    await rig.start();
    expect(rig.facts.types.Vulnerability?.seq).toBe(1);
    rig.platform.twist('putChunk', ...Array.from({ length: 20 }, () => ({ fail: lost })));
    await rig.pass(4 * 60 * MINUTE);
    expect(rig.facts.pending?.type).toBe('Vulnerability');
    rig.platform.modules = ['AI'];
    const command = rig.platform.command('DEACTIVATE', { module: 'VM' });
    await cycle();
    const { store, tasks } = rig.core.context;
    expect(rig.facts.pending).toBeNull();
    expect(store.snapshots.pending()).toBeUndefined();
    expect(store.snapshots.state('Vulnerability')).toBeUndefined();
    expect(tasks.has('Vulnerability')).toBe(false);
    expect(rig.status.types.Vulnerability).toBeUndefined();
    expect(results(command)).toEqual(['DONE']);
  });
});

describe('the command to take another identity', () => {
  const storedId = (): string => readFileSync(rig.paths.hostIdFile, 'utf8').trim();
  const requests = (): ProvisionRequest[] =>
    rig.platform.of('provision').map((call) => call.body as ProvisionRequest);

  it('R096 R112 makes a new Host ID and a new key, and collects in full under them', async () => {
    await rig.start();
    const old = storedId();
    const command = rig.platform.command('REPROVISION');
    await cycle();
    const [first, second] = requests();
    expect(second).toMatchObject({ reason: 'reprovision', previousAgentId: old });
    expect(second?.publicKey).not.toBe(first?.publicKey);
    expect(storedId()).toBe(second?.proposedAgentId);
    expect(storedId()).not.toBe(old);
    expect(results(command)).toEqual(['DONE']);
    expect(rig.inSync()).toBe(true);
    await rig.pass(DAY);
    expect(requests()).toHaveLength(2);
  });

  it('R096 is obeyed although the acknowledgement does not get through', async () => {
    await rig.start();
    const old = storedId();
    rig.platform.command('REPROVISION');
    rig.platform.twist('acknowledge', { fail: lost });
    await cycle();
    expect(storedId()).not.toBe(old);
    expect(rig.inSync()).toBe(true);
  });

  it.each(Array.from({ length: 14 }, (_, n) => [n * 3]))(
    'R096 is completed once, whenever the agent is killed on the way (turn %i)',
    async (turns) => {
      await rig.start();
      const old = storedId();
      rig.platform.command('REPROVISION');
      rig.clock.jumpTo(rig.clock.now() + 15 * MINUTE);
      let left = turns;
      await rig.until(() => (left -= 1) < 0);
      await rig.kill();
      await rig.start();
      await rig.pass(20 * MINUTE);
      expect(storedId()).not.toBe(old);
      expect([...rig.platform.agents.keys()]).toEqual([old, storedId()]);
      expect(rig.inSync()).toBe(true);
      expect(rig.core.context.store.kv.get('reprovision', anything)).toBeUndefined();
    },
  );

  it('R096 is not done again where only its note was left behind', async () => {
    await rig.start();
    const previous = storedId();
    rig.platform.command('REPROVISION');
    await cycle();
    const { store } = rig.core.context;
    store.kv.set('reprovision', { hostId: storedId(), previous, renewed: true });
    await rig.kill();
    await rig.start();
    expect(requests()).toHaveLength(2);
    expect(rig.facts.provisioned).toBe(true);
  });
});

describe('a change on the host', () => {
  it('R026 R027 leads to an early cycle of the types that show it, a minute apart', async () => {
    await rig.start();
    rig.collector.host.set('Inventory', [deb('zsh')]);
    rig.collector.changed(['rpm']);
    await rig.pass(MINUTE);
    expect(rig.collector.collections).toHaveLength(1);
    rig.collector.changed();
    rig.collector.changed();
    await rig.settle();
    expect(rig.collector.collections).toHaveLength(2);
    expect(rig.inSync()).toBe(true);
    rig.collector.changed();
    await rig.pass(MINUTE - 1);
    expect(rig.collector.collections).toHaveLength(2);
    await rig.pass(1);
    expect(rig.collector.collections).toHaveLength(3);
  });
});
