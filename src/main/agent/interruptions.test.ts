import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StoreError } from '../queue/store-error.ts';
import { lost } from './testing/fake-platform.ts';
import { deb, MINUTE, Rig } from './testing/rig.ts';

let rig: Rig;
beforeEach(() => {
  rig = new Rig();
});
afterEach(() => rig.dispose());

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
