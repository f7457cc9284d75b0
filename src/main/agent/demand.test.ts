import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ManifestType } from '../../shared/modules.ts';
import { defaultProfile } from '../../shared/profile.ts';
import { isOnDemandType, ON_DEMAND_TYPES, type DemandedScan, type ScanRefusal } from '../../shared/scan.ts';
import type { ScanAnswer, ScanWish } from './demand.ts';
import { emptyTypeFacts, type DemandFacts, type Facts } from './facts.ts';
import { nextCollection, scanRefusal } from './schedule.ts';
import { NOW, pendingOf, restingFacts, syncedType } from './testing/facts.ts';
import { deb, MINUTE, Rig } from './testing/rig.ts';

const accepted: DemandFacts = {
  controlId: '3f0c1c9a-7d7b-4a39-9d15-2a3c1f9f6c01',
  origin: 'user',
  cpuLimitPct: 10,
  state: 'accepted',
  requestedAt: NOW,
  startedAt: null,
  endedAt: null,
  reason: '',
};

describe('the decision on a scan', () => {
  const suspended = { profile: { ...defaultProfile(), suspendCollection: true } };

  it('R174 R175 names the first reason in the order of the protocol', () => {
    // Everything speaks against it at first; each step takes the reason away that was named.
    const steps: [ScanRefusal | undefined, Partial<Facts>][] = [
      ['NOT_PROVISIONED', {}],
      ['MODULE_NOT_ACTIVE', { provisioned: true }],
      ['NO_MANIFEST', { activeTypes: ['Inventory'] }],
      ['SUSPENDED', { types: { Inventory: syncedType() } }],
      ['COLLECTION_RUNNING', { profile: defaultProfile() }],
      ['DELTA_PENDING', { collecting: null }],
      [undefined, { pending: null }],
    ];
    let facts = restingFacts({
      provisioned: false,
      activeTypes: [],
      types: { Inventory: emptyTypeFacts },
      ...suspended,
      collecting: 'Inventory',
      pending: pendingOf(),
    });
    for (const [reason, change] of steps) {
      facts = { ...facts, ...change };
      expect(scanRefusal('Inventory', facts)).toBe(reason);
    }
  });

  it('R175 takes a scan that was accepted and has not begun for one that runs, of whatever type', () => {
    const types = { Inventory: syncedType(), Vulnerability: syncedType(0, { demand: accepted }) };
    const facts = restingFacts({ activeTypes: ['Inventory', 'Vulnerability'], types });
    expect(scanRefusal('Inventory', facts)).toBe('COLLECTION_RUNNING');
    expect(scanRefusal('Vulnerability', facts)).toBe('COLLECTION_RUNNING');
    const done = { ...types, Vulnerability: syncedType(0, { demand: { ...accepted, state: 'done' } }) };
    expect(scanRefusal('Inventory', { ...facts, types: done })).toBeUndefined();
  });

  it('puts what somebody waits for before what is merely due', () => {
    const request = { reason: 'demand' as const, notBefore: NOW };
    const types = {
      Inventory: syncedType(48 * 60 * MINUTE),
      Vulnerability: syncedType(0, { demand: accepted, requested: request }),
    };
    const facts = restingFacts({ activeTypes: ['Inventory', 'Vulnerability'], types });
    expect(nextCollection(facts, NOW)).toEqual({ collect: { type: 'Vulnerability', reason: 'demand' } });
    const idle = { ...types, Vulnerability: syncedType() };
    expect(nextCollection({ ...facts, types: idle }, NOW)).toMatchObject({ collect: { type: 'Inventory' } });
  });

  it('R173 knows the types that can be asked for', () => {
    expect(Object.keys(ON_DEMAND_TYPES)).toEqual(['inv', 'vm', 'pc', 'udc', 'sca']);
    expect(['FIM', 'AutoDiscovery'].some((type) => isOnDemandType(type as ManifestType))).toBe(false);
    expect(isOnDemandType('UDC')).toBe(true);
  });
});

describe('a scan on demand', () => {
  let rig: Rig;
  beforeEach(async () => {
    rig = new Rig();
    await rig.start();
    rig.collector.behaviour = 'waits';
  });
  afterEach(() => rig.dispose());

  const ask = (wish: Partial<ScanWish> = {}): Promise<ScanAnswer> =>
    rig.core.demandScan({ type: 'Inventory', origin: 'administrator', ...wish });
  const demand = (): DemandedScan | null | undefined => rig.status.types.Inventory?.demand;
  const finish = async (): Promise<void> => {
    rig.collector.answer();
    await rig.until(() => rig.facts.collecting === null);
    await rig.settle();
  };

  it('R176 R177 R184 runs at once, once, whatever the interval says, and starts it anew', async () => {
    await rig.pass(200 * MINUTE);
    const before = rig.collector.collections.length;
    const answer = await ask();
    expect(answer).toMatchObject({ accepted: { type: 'Inventory', cpuLimitPct: 100 } });
    expect(rig.collector.collections).toHaveLength(before + 1);
    expect(demand()).toMatchObject({ state: 'running', origin: 'administrator', endedAt: null });
    const at = rig.clock.now();
    await finish();
    expect(demand()).toMatchObject({ state: 'done', reason: '' });
    expect(rig.facts.types.Inventory?.cycleEndedAt).toBe(at);
    await rig.pass(1439 * MINUTE);
    expect(rig.collector.collections).toHaveLength(before + 1);
    await rig.pass(2 * MINUTE);
    expect(rig.collector.collections).toHaveLength(before + 2);
    expect(demand()).toMatchObject({ state: 'done' });
  });

  it('R146 R180 has a share of the processor of its own, which the next collection does not have', async () => {
    await ask({ cpuLimitPct: 42 });
    expect(rig.collector.lastCollection.pace).toMatchObject({ sharePct: 42 });
    await finish();
    await rig.pass(1441 * MINUTE);
    expect(rig.collector.lastCollection.pace).not.toHaveProperty('sharePct');
  });

  it('gives a user the share of the profile, an administrator that for scans on demand, a key 100 %', async () => {
    rig.changeProfile({ cpuThrottleMs: 20, onDemandCpuLimitPct: 60 });
    await rig.pass(901_000);
    for (const [origin, share] of [
      ['user', 10],
      ['administrator', 60],
      ['platform', 60],
      ['ScanOnDemand', 100],
      ['ScanOnStartup', 100],
    ] as const) {
      expect(await ask({ origin })).toMatchObject({ accepted: { cpuLimitPct: share } });
      await finish();
    }
  });

  it('refuses a user more of the processor than the profile allows', async () => {
    expect(await ask({ origin: 'user', cpuLimitPct: 11 })).toMatchObject({ refused: 'CPU_LIMIT' });
    expect(await ask({ origin: 'user', cpuLimitPct: 10 })).toMatchObject({ accepted: { cpuLimitPct: 10 } });
  });

  it('R136 R174 R175 says why it does not run, and does not run', async () => {
    const before = rig.collector.collections.length;
    expect(await ask({ type: 'SCA' })).toMatchObject({ refused: 'MODULE_NOT_ACTIVE' });
    expect(rig.lines.at(-1)).toContain('scan of SCA refused (administrator): its module is not active');
    await ask();
    expect(await ask()).toMatchObject({ refused: 'COLLECTION_RUNNING' });
    expect(rig.collector.collections).toHaveLength(before + 1);
  });

  it('is the same scan when the same command comes twice', async () => {
    const controlId = accepted.controlId;
    const first = await ask({ origin: 'platform', controlId });
    expect(await ask({ origin: 'platform', controlId })).toEqual(first);
    expect(first).toMatchObject({ accepted: { controlId } });
    await finish();
    expect(await ask({ origin: 'platform', controlId })).toEqual(first);
    expect(rig.collector.collections).toHaveLength(2);
  });

  it('is repeated by an agent that was killed in the middle, with its share and as the same scan', async () => {
    await ask({ cpuLimitPct: 33 });
    const { controlId } = demand() ?? {};
    await rig.kill();
    await rig.start();
    expect(demand()).toMatchObject({ controlId, state: 'running' });
    expect(rig.collector.lastCollection.pace).toMatchObject({ sharePct: 33 });
    await finish();
    expect(demand()).toMatchObject({ controlId, state: 'done' });
  });

  it('goes on when its collector ends, and fails when the collection does', async () => {
    await ask();
    rig.collector.die();
    await rig.pass(2_000);
    expect(demand()).toMatchObject({ state: 'running' });
    rig.collector.say({ kind: 'failed', job: rig.collector.lastCollection.job, reason: 'no more memory' });
    await rig.settle();
    expect(demand()).toMatchObject({ state: 'failed', reason: 'no more memory' });
  });

  it('ends with the reason when its module goes, or a profile suspends collection before it began', async () => {
    rig.collector.ready = false;
    rig.collector.die();
    await rig.settle();
    await ask();
    expect(demand()).toMatchObject({ state: 'accepted' });
    rig.changeProfile({ suspendCollection: true });
    await rig.pass(901_000);
    expect(demand()).toMatchObject({
      state: 'failed',
      reason: expect.stringContaining('suspended') as string,
    });
  });

  it('follows the one that it names: accepted while that one runs, begun when its upload is done', async () => {
    await rig.dispose();
    rig = new Rig();
    rig.platform.modules = ['AI', 'VM'];
    await rig.start();
    rig.collector.behaviour = 'waits';
    const first = await ask({ type: 'Vulnerability' });
    if (!('accepted' in first)) throw new Error('refused');
    const { controlId: after } = first.accepted;
    expect(await ask()).toMatchObject({ refused: 'COLLECTION_RUNNING' });
    expect(await ask({ after: '3f0c1c9a-7d7b-4a39-9d15-2a3c1f9f6c01' })).toMatchObject({
      refused: 'COLLECTION_RUNNING',
    });
    expect(await ask({ type: 'Vulnerability', after })).toMatchObject({ refused: 'COLLECTION_RUNNING' });
    expect(await ask({ type: 'SCA', after })).toMatchObject({ refused: 'MODULE_NOT_ACTIVE' });
    expect(await ask({ after })).toMatchObject({ accepted: { type: 'Inventory' } });
    expect(await ask({ after })).toMatchObject({ refused: 'COLLECTION_RUNNING' });
    expect(demand()).toMatchObject({ state: 'accepted', startedAt: null });
    rig.collector.answer();
    await rig.until(() => demand()?.state === 'running');
    expect(rig.status.types.Vulnerability?.demand).toMatchObject({ state: 'done' });
    await finish();
    expect(demand()).toMatchObject({ state: 'done' });
    expect(await ask({ after })).toMatchObject({ accepted: { type: 'Inventory' } });
  });

  it('R185 brings nothing but the collection forward: changes found are what is uploaded', async () => {
    rig.collector.host.set('Inventory', [deb('bash'), deb('curl'), deb('nano')]);
    await ask();
    await finish();
    expect(rig.inSync()).toBe(true);
    expect(rig.events.findLast((event) => event.name === 'uploaded')).toMatchObject({ set: 1, del: 0 });
  });
});
