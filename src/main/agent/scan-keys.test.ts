import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DemandedScan, OnDemandType } from '../../shared/scan.ts';
import { lost } from './testing/fake-platform.ts';
import { MINUTE, Rig } from './testing/rig.ts';

let rig: Rig;
beforeEach(() => {
  rig = new Rig();
});
afterEach(() => rig.dispose());

const demand = (type: OnDemandType = 'Inventory'): DemandedScan | null | undefined =>
  rig.status.types[type]?.demand;
const value = (): number | undefined => rig.scanKeys.keys.get('Inventory')?.ScanOnDemand;
const begun = (): number => rig.collector.collections.length;
const finish = async (): Promise<void> => {
  rig.collector.answer();
  await rig.until(() => rig.facts.collecting === null);
  await rig.settle();
};

describe('the key ScanOnDemand', () => {
  beforeEach(async () => {
    await rig.start();
    rig.collector.behaviour = 'waits';
  });

  it('R178 R181 R184 has a scan run once, and goes from 1 to 2 to 0 when the platform has it', async () => {
    const before = begun();
    rig.scanKeys.put('Inventory', { ScanOnDemand: 1 });
    await rig.settle();
    expect(value()).toBe(2);
    expect(demand()).toMatchObject({ origin: 'ScanOnDemand', state: 'running', cpuLimitPct: 100 });
    rig.platform.twist('commit', { fail: lost });
    await finish();
    expect([value(), demand()?.state]).toEqual([2, 'uploading']);
    await rig.pass(10 * MINUTE);
    expect([value(), demand()?.state]).toEqual([0, 'done']);
    rig.scanKeys.touch();
    await rig.settle();
    expect(begun()).toBe(before + 1);
    expect(rig.scanKeys.set).toEqual([
      ['Inventory', 2],
      ['Inventory', 0],
    ]);
  });

  it.each([
    [42, 42],
    [2, 2],
    [100, 100],
    [1, 100],
    [101, 100],
    [0, 100],
  ])('R180 gives a scan with CpuLimit %i a share of %i %%', async (CpuLimit, share) => {
    rig.scanKeys.put('Inventory', { CpuLimit, ScanOnDemand: 1 });
    await rig.settle();
    expect(rig.collector.lastCollection.pace).toMatchObject({ sharePct: share });
  });

  it.each([0, 2, 3, 4294967295])('does nothing at %i, and a 2 that is not true becomes 0', async (number) => {
    const before = begun();
    rig.scanKeys.put('Inventory', { ScanOnDemand: number });
    await rig.settle();
    expect(begun()).toBe(before);
    expect(value()).toBe(number === 2 ? 0 : number);
  });

  it('R174 is 0 again after a refusal, with the reason in the log', async () => {
    rig.scanKeys.put('SCA', { ScanOnDemand: 1 });
    await rig.settle();
    expect(rig.scanKeys.set).toEqual([['SCA', 0]]);
    expect(rig.lines.at(-1)).toContain('scan of SCA refused (ScanOnDemand): its module is not active');
  });

  it('R175 stays 2 when it is set to 1 in the middle, and asks anew when it was at the end', async () => {
    const before = begun();
    rig.scanKeys.put('Inventory', { ScanOnDemand: 1 });
    rig.scanKeys.put('Inventory', { ScanOnDemand: 1 });
    await rig.settle();
    expect(value()).toBe(2);
    expect(rig.lines.join('\n')).toContain('refused (ScanOnDemand): another collection is running');
    // The watch has not told this one yet when the scan ends.
    rig.scanKeys.keys.set('Inventory', { ScanOnDemand: 1 });
    await finish();
    expect(value()).toBe(1);
    rig.scanKeys.touch();
    await rig.settle();
    expect([value(), begun()]).toEqual([2, before + 2]);
  });

  it('begins no second scan where it can not be set back', async () => {
    rig.scanKeys.readOnly = 'EROFS';
    const before = begun();
    rig.scanKeys.put('Inventory', { ScanOnDemand: 1 });
    await rig.settle();
    await finish();
    rig.scanKeys.put('UDC', { CpuLimit: 5 });
    await rig.settle();
    expect([value(), begun()]).toEqual([1, before + 1]);
    expect(rig.lines.join('\n')).toContain('/keys/Inventory/ScanOnDemand can not be set to 2: EROFS');
  });

  it('is named while it can not be read', async () => {
    rig.scanKeys.problems = [{ place: '/keys/SCA/CpuLimit', reason: 'it does not hold a decimal number' }];
    rig.scanKeys.touch();
    expect(rig.conditions).toEqual(['SCAN_KEY_INVALID']);
    expect(rig.status.conditions[0]?.text).toContain('/keys/SCA/CpuLimit: it does not hold a decimal number');
    rig.scanKeys.problems = [];
    rig.scanKeys.touch();
    expect(rig.conditions).toEqual([]);
    await rig.settle();
  });
});

describe('the key ScanOnDemand at the start of the service', () => {
  it('R181 is 0 where a 2 was left by a scan that nobody owes any more', async () => {
    rig.scanKeys.keys.set('Inventory', { ScanOnDemand: 2 });
    await rig.start();
    expect(value()).toBe(0);
  });

  it.each([1, 2])(
    'R181 is the scan that was under way at a kill, which is repeated once (%i)',
    async (left) => {
      await rig.start();
      rig.collector.behaviour = 'waits';
      rig.scanKeys.put('Inventory', { ScanOnDemand: 1 });
      await rig.settle();
      const { controlId } = demand() ?? {};
      const before = begun();
      await rig.kill();
      // At 1 the kill came between the decision and the note of it.
      rig.scanKeys.keys.set('Inventory', { ScanOnDemand: left });
      await rig.start();
      expect([value(), begun()]).toEqual([2, before + 1]);
      expect(demand()).toMatchObject({ controlId, state: 'running' });
      await finish();
      expect([value(), begun()]).toEqual([0, before + 1]);
      expect(demand()).toMatchObject({ controlId, state: 'done' });
    },
  );
});

describe('the key ScanOnStartup', () => {
  it('R182 R184 has a scan run once at every start, which begins the interval anew', async () => {
    await rig.start();
    await rig.pass(200 * MINUTE);
    await rig.stop();
    rig.scanKeys.keys.set('Inventory', { ScanOnStartup: 1, CpuLimit: 50 });
    for (const start of [1, 2]) {
      const before = begun();
      await rig.start();
      await rig.pass(60 * MINUTE);
      expect([start, begun()]).toEqual([start, before + 1]);
      expect(demand()).toMatchObject({ origin: 'ScanOnStartup', state: 'done', cpuLimitPct: 50 });
      await rig.stop();
    }
    const before = begun();
    await rig.start();
    const at = rig.clock.now();
    expect(rig.facts.types.Inventory?.cycleEndedAt).toBe(at);
    await rig.pass(1439 * MINUTE);
    expect(begun()).toBe(before + 1);
    expect(rig.scanKeys.keys.get('Inventory')).toEqual({ ScanOnStartup: 1, CpuLimit: 50 });
  });

  it('R182 waits at the first start for registration, profile and manifest, and serves the first collection', async () => {
    rig.scanKeys.keys.set('Inventory', { ScanOnStartup: 1 });
    rig.platform.twist('provision', { fail: lost });
    await rig.start();
    expect(begun()).toBe(0);
    await rig.pass(30 * MINUTE);
    expect(demand()).toMatchObject({ origin: 'ScanOnStartup', state: 'done' });
    expect(begun()).toBe(1);
  });

  it('R182 R318 runs for every type that has a key, one after the other', async () => {
    rig.platform.modules = ['AI', 'VM', 'PC'];
    const types = ['Inventory', 'Vulnerability', 'PolicyCompliance', 'UDC'] as const;
    for (const type of types) rig.scanKeys.keys.set(type, { ScanOnStartup: 1 });
    await rig.start();
    await rig.pass(5 * MINUTE);
    expect(types.map((type) => demand(type)?.state)).toEqual(['done', 'done', 'done', 'done']);
  });

  it('R174 is refused once for a type whose module is not active', async () => {
    rig.scanKeys.keys.set('SCA', { ScanOnStartup: 1 });
    await rig.start();
    await rig.pass(60 * MINUTE);
    const refusals = rig.lines.filter((line) => line.includes('refused (ScanOnStartup)'));
    expect(refusals).toEqual(['scan of SCA refused (ScanOnStartup): its module is not active on this host']);
  });

  it.each([0, 2, 10])('R182 does nothing at %i', async (ScanOnStartup) => {
    rig.scanKeys.keys.set('Inventory', { ScanOnStartup });
    await rig.start();
    expect(demand()).toBeNull();
  });

  it('counts at the start alone: set later it waits for the next one', async () => {
    await rig.start();
    rig.scanKeys.put('Inventory', { ScanOnStartup: 1 });
    await rig.pass(MINUTE);
    expect(demand()).toBeNull();
  });
});
