import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ScanOrigin } from '../../shared/scan.ts';
import { DAY, MINUTE, Rig } from './testing/rig.ts';

let rig: Rig;
beforeEach(() => {
  rig = new Rig();
});
afterEach(() => rig.dispose());

const LOW = { onBattery: true, chargePct: 19 };
const said = (kind: string) => rig.collector.sent.filter((message) => message.kind === kind).length;
const ask = (origin: ScanOrigin) => rig.core.demandScan({ type: 'Inventory', origin });

describe('a low battery', () => {
  it('R029 keeps scheduled scans from starting, says why, and looks once a minute until there is power', async () => {
    rig.power = LOW;
    await rig.start();
    expect(rig.collector.collections).toHaveLength(0);
    expect(rig.status.conditions).toMatchObject([
      {
        code: 'BATTERY_PAUSE',
        severity: 'info',
        text: expect.stringMatching(/19 %, below 20 %.*PauseBelowBatteryPct in .*agent\.conf/) as string,
      },
    ]);
    const looks = rig.powerLooks;
    await rig.pass(10 * MINUTE);
    expect(rig.powerLooks).toBe(looks + 10);
    rig.power = { onBattery: false, chargePct: 19 };
    await rig.pass(MINUTE);
    expect(rig.inSync()).toBe(true);
    expect(rig.conditions).toEqual([]);
  });

  it('is not looked at while nothing is due or under way', async () => {
    await rig.start();
    expect(rig.inSync()).toBe(true);
    const looks = rig.powerLooks;
    await rig.pass(20 * 60 * MINUTE);
    expect(rig.powerLooks).toBe(looks);
    await rig.pass(DAY);
    expect(rig.powerLooks).toBeGreaterThan(looks);
  });

  it('pauses a scheduled scan that runs between rows, in the status as well, and lets it go on', async () => {
    rig.collector.behaviour = 'waits';
    await rig.start();
    expect(rig.status.busy).toMatchObject({ type: 'Inventory', pausedBecause: null });
    rig.power = LOW;
    await rig.pass(MINUTE);
    expect(said('pause')).toBe(1);
    expect(rig.status.busy?.pausedBecause).toBe('the battery is at 19 %');
    rig.power = { ...LOW, chargePct: 18 };
    await rig.pass(MINUTE);
    expect([said('pause'), said('resume')]).toEqual([1, 0]);
    rig.power = { ...LOW, chargePct: 20 };
    await rig.pass(MINUTE);
    expect(said('resume')).toBe(1);
    expect(rig.status.busy?.pausedBecause).toBeNull();
    expect(rig.conditions).toEqual([]);
  });

  it('has the next collector rest as well when one ends in a pause', async () => {
    rig.collector.behaviour = 'waits';
    await rig.start();
    rig.power = LOW;
    await rig.pass(MINUTE);
    rig.collector.die();
    await rig.pass(1_000);
    expect(rig.collector.collections).toHaveLength(2);
    const said = rig.collector.sent.filter((message) => message.kind !== 'watch');
    expect(said.at(-1)).toMatchObject({ kind: 'pause' });
  });

  it.each(['user', 'administrator', 'platform'] as const)(
    'lets a scan that a %s asked for run',
    async (by) => {
      await rig.start();
      rig.power = LOW;
      rig.collector.behaviour = 'waits';
      await rig.pass(5 * MINUTE);
      expect(await ask(by)).toMatchObject({ accepted: {} });
      await rig.settle();
      expect(rig.collector.collections).toHaveLength(2);
      await rig.pass(2 * MINUTE);
      expect(said('pause')).toBe(0);
      expect(rig.conditions).toEqual([]);
    },
  );

  it('holds back a scan that a setting of the host asked for', async () => {
    await rig.start();
    rig.power = LOW;
    await rig.pass(5 * MINUTE);
    expect(await ask('ScanOnStartup')).toMatchObject({ accepted: {} });
    await rig.settle();
    expect(rig.collector.collections).toHaveLength(1);
    expect(rig.conditions).toEqual(['BATTERY_PAUSE']);
  });

  it('has a paused scan give way to one that somebody asks for', async () => {
    rig.collector.behaviour = 'waits';
    await rig.start();
    rig.power = LOW;
    await rig.pass(MINUTE);
    rig.collector.behaviour = 'answers';
    expect(await ask('user')).toMatchObject({ accepted: {} });
    await rig.settle();
    expect(said('cancel')).toBe(1);
    expect(rig.collector.collections).toHaveLength(2);
    expect(rig.inSync()).toBe(true);
  });

  it.each([
    ['of which the host says nothing', undefined, 20],
    ['whose charge is not known', { onBattery: true, chargePct: null }, 20],
    ['with a limit of 0', { onBattery: true, chargePct: 1 }, 0],
  ] as const)('%s holds nothing back', async (_, power, pauseBelowBatteryPct) => {
    rig.power = power;
    rig.settings = { ...rig.settings, pauseBelowBatteryPct };
    await rig.start();
    expect(rig.inSync()).toBe(true);
    if (pauseBelowBatteryPct === 0) expect(rig.powerLooks).toBe(0);
  });
});
