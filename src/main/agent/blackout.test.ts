import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BlackoutWindow, Profile } from '../../shared/profile.ts';
import { blackoutAfter, noBlackout, silentUntil, uploadGoesFirst } from './blackout.ts';
import { plan } from './plan.ts';
import { NOW, pendingOf, restingFacts, syncedType } from './testing/facts.ts';
import { deb, MINUTE, Rig } from './testing/rig.ts';

const HOUR = 60 * MINUTE;
/** The clock of the rig starts on Saturday, 2026-11-21, at 01:00. */
const SATURDAY: BlackoutWindow = { days: [6], start: '02:00', end: '06:00' };
const at = (time: string): number => Date.parse(`2026-11-21T${time}:00Z`);

let rig: Rig;
let chance: number;
beforeEach(() => {
  chance = 0.5;
  rig = new Rig(() => chance);
});
afterEach(() => rig.dispose());

/** An agent in sync under a profile with this window, at 01:20. */
async function inForce(change: Partial<Profile> = {}): Promise<void> {
  await rig.start();
  rig.changeProfile({ blackoutWindows: [SATURDAY], ...change });
  await rig.pass(20 * MINUTE);
  expect(rig.facts.profileVersion).toBe(2);
}
const until = (time: string): Promise<void> => rig.pass(at(time) - rig.clock.now());
const callsBetween = (from: string, to: string): string[] =>
  rig.platform.calls.filter((call) => call.at >= at(from) && call.at < at(to)).map(({ call }) => call);
const callsFrom = (time: string): string[] =>
  rig.platform.calls.filter((call) => call.at >= at(time)).map(({ call }) => call);
const scan = () => rig.core.demandScan({ type: 'Inventory', origin: 'administrator' });

describe('a blackout', () => {
  it('R153 R154 lets nothing through from its first to its last minute, the heartbeat included', async () => {
    await inForce();
    rig.collector.host.set('Inventory', [deb('bash'), deb('nano')]);
    await until('02:00');
    rig.collector.changed();
    await until('06:00');
    expect(callsBetween('01:20', '02:00')).toContain('heartbeat');
    expect(callsBetween('02:00', '06:00')).toEqual([]);
    await until('06:02');
    expect(callsBetween('06:00', '06:02')).toContain('heartbeat');
    expect(rig.inSync()).toBe(true);
  });

  it('R155 lets scans run, on demand as well, and holds their result', async () => {
    await inForce();
    await until('03:00');
    rig.collector.host.set('Inventory', [deb('bash'), deb('nano')]);
    expect(await scan()).toHaveProperty('accepted');
    await rig.until(() => rig.facts.pending !== null);
    await rig.settle();
    expect(rig.status.types.Inventory?.demand).toMatchObject({ state: 'uploading' });
    expect(callsBetween('02:00', '06:00')).toEqual([]);
    await until('06:02');
    expect(rig.status.types.Inventory?.demand).toMatchObject({ state: 'done' });
    expect(rig.inSync()).toBe(true);
  });

  it('R156 R175 lets no second scan run while the result of the first waits', async () => {
    await inForce();
    await until('03:00');
    await scan();
    await rig.until(() => rig.facts.pending !== null);
    const before = rig.collector.collections.length;
    rig.collector.changed();
    await until('05:59');
    expect(await scan()).toMatchObject({ refused: 'DELTA_PENDING' });
    expect(rig.collector.collections).toHaveLength(before);
  });

  it('is followed by the upload that waited, then by a check-in, then by scans that are due', async () => {
    await inForce();
    await until('03:00');
    await scan();
    await rig.until(() => rig.facts.pending !== null);
    rig.collector.changed();
    await until('06:02');
    const [first, ...rest] = callsFrom('06:00');
    expect(first).toBe('openUpload');
    const upload = rest.indexOf('commit');
    const checkIn = rest.indexOf('heartbeat');
    const nextScan = rest.indexOf('openUpload');
    expect(upload).toBeGreaterThanOrEqual(0);
    expect(checkIn).toBeGreaterThan(upload);
    expect(nextScan).toBeGreaterThan(checkIn);
  });

  it('R157 R169 spreads those who leave it together over a minute, or over the randomise of the profile', async () => {
    chance = 0.25;
    await inForce();
    await until('06:30');
    expect(rig.platform.calls.find((call) => call.at >= at('06:00'))?.at).toBe(at('06:00') + 15_000);
    await rig.dispose();
    rig = new Rig(() => chance);
    await inForce({ scanRandomizeMin: 120 });
    await until('06:29');
    expect(callsFrom('06:00')).toEqual([]);
    await until('06:31');
    expect(callsFrom('06:00')).toContain('heartbeat');
  });

  it('R157 R167 R168 adds delay and chance to the scans that it held up, and to no others', async () => {
    await inForce({ scanDelayMin: 10, scanRandomizeMin: 20 });
    await until('02:30');
    await scan();
    await rig.until(() => rig.facts.pending !== null);
    rig.collector.changed();
    await until('06:10');
    // One random of 0..20 for the release, one of 1..20 and the delay for the scan.
    expect(rig.facts.types.Inventory?.notBefore).toBe(at('06:10') + (10 + 11) * MINUTE);
    const before = rig.collector.collections.length;
    await until('06:30');
    expect(rig.collector.collections).toHaveLength(before);
    await until('06:32');
    expect(rig.collector.collections).toHaveLength(before + 1);
  });

  it('breaks off what is under way when it begins, and takes it up afterwards', async () => {
    await inForce();
    rig.collector.host.set('Inventory', [deb('bash'), deb('nano')]);
    await until('01:59');
    let release: () => void = () => undefined;
    const wait = new Promise<void>((resolve) => (release = resolve));
    rig.platform.twist('openUpload', { wait });
    await scan();
    await rig.until(() => rig.facts.exchanging === 'upload');
    const before = rig.reconnects;
    rig.clock.jumpTo(at('02:00'));
    expect(rig.reconnects).toBe(before + 1);
    release();
    await rig.settle();
    expect(callsBetween('02:00', '06:00')).toEqual([]);
    await until('06:02');
    expect(rig.inSync()).toBe(true);
  });

  it('holds for an agent that starts in it, and for one that was killed in it', async () => {
    await inForce();
    await until('01:50');
    await rig.stop();
    rig.clock.jumpTo(at('03:00'));
    await rig.start();
    await rig.pass(HOUR);
    expect(callsBetween('02:00', '04:00')).toEqual([]);
    expect(rig.status.phase).toBe('blackout');
    await rig.kill();
    await rig.start();
    await until('06:00');
    expect(callsBetween('02:00', '06:00')).toEqual([]);
    await until('06:02');
    expect(callsFrom('06:00')).toContain('heartbeat');
  });

  it('keeps its random share after its end over a restart', async () => {
    chance = 0.9;
    await inForce();
    await until('06:00');
    await rig.stop();
    rig.clock.jumpTo(at('06:00') + 20_000);
    chance = 0;
    await rig.start();
    await rig.pass(33_000);
    expect(callsFrom('06:00')).toEqual([]);
    await rig.pass(2_000);
    expect(callsFrom('06:00')).toContain('heartbeat');
  });

  it('is over at once for a laptop that slept through its end and wakes long after', async () => {
    await inForce();
    await until('03:00');
    await rig.jump(12 * HOUR);
    expect(callsFrom('15:00')).toContain('heartbeat');
  });

  it('is entered again when the clock is set back into it', async () => {
    await inForce();
    await until('06:10');
    const before = rig.platform.calls.length;
    await rig.jump(-HOUR);
    await rig.pass(45 * MINUTE);
    expect(rig.platform.calls).toHaveLength(before);
    await rig.pass(10 * MINUTE);
    expect(rig.platform.calls.length).toBeGreaterThan(before);
  });

  it('follows the clock on the wall when the laptop travels', async () => {
    await inForce();
    await until('02:30');
    rig.offsetAt = () => 5 * HOUR;
    await rig.pass(20 * MINUTE);
    expect(callsBetween('02:30', '02:52')).toContain('heartbeat');
  });

  it('R158 R315 shows in status, with its end and with the next one', async () => {
    await inForce();
    expect(rig.status.blackout).toEqual({ active: false, until: null, next: '2026-11-21T02:00:00.000Z' });
    await until('02:10');
    expect(rig.status).toMatchObject({
      phase: 'blackout',
      sentence: 'Blackout: nothing is sent before 06:00.',
      blackout: { active: true, until: '2026-11-21T06:00:00.000Z', next: null },
    });
    expect(rig.lines.filter((line) => line.includes('blackout begins'))).toHaveLength(1);
    rig.collector.behaviour = 'waits';
    await scan();
    expect(rig.status).toMatchObject({
      phase: 'scanning',
      sentence: 'Collecting Inventory. Blackout: nothing is sent before 06:00.',
    });
  });

  it('that covers the whole week is none: the agent would never hear of another profile', async () => {
    const days = [1, 2, 3, 4, 5, 6, 7];
    await rig.start();
    rig.changeProfile({ blackoutWindows: [{ days, start: '00:00', end: '00:00' }] });
    await rig.pass(40 * MINUTE);
    expect(rig.facts.profileVersion).toBe(2);
    expect(rig.conditions).toContain('PROFILE_CLAMPED');
    expect(callsBetween('01:30', '01:40')).toContain('heartbeat');
  });
});

describe('the facts of a blackout', () => {
  const random = { next: () => 0.5 };
  const inside = { blackout: true, blackoutChangesAt: NOW + HOUR };
  const outside = { blackout: false, blackoutChangesAt: NOW + 9 * HOUR };

  it('change when it begins, when its end moves, and when it is over, and only then', () => {
    const began = blackoutAfter(restingFacts(), inside, random, NOW);
    expect(began).toEqual({ until: NOW + HOUR, releaseAt: null, resuming: false });
    const facts = restingFacts({ blackout: began ?? noBlackout });
    expect(blackoutAfter(facts, inside, random, NOW + 1)).toBeNull();
    const later = { blackout: true, blackoutChangesAt: NOW + 2 * HOUR };
    expect(blackoutAfter(facts, later, random, NOW + 1)).toMatchObject({ until: NOW + 2 * HOUR });
    expect(blackoutAfter(facts, outside, random, NOW + HOUR)).toEqual({
      until: null,
      releaseAt: NOW + HOUR + 30_000,
      resuming: true,
    });
    expect(blackoutAfter(restingFacts(), outside, random, NOW)).toBeNull();
  });

  it('say until when nothing is sent', () => {
    const silent = (blackout: Partial<typeof noBlackout>): number | null =>
      silentUntil(restingFacts({ blackout: { ...noBlackout, ...blackout } }), NOW);
    expect(silent({})).toBeNull();
    expect(silent({ until: NOW + 5 })).toBe(NOW + 5);
    expect(silent({ releaseAt: NOW + 5 })).toBe(NOW + 5);
    expect(silent({ releaseAt: NOW })).toBeNull();
  });

  it('put the upload before the check-in until it is done, has failed, or took a status interval', () => {
    const blackout = { until: null, releaseAt: NOW, resuming: true };
    const waiting = restingFacts({ blackout, pending: pendingOf(), heartbeatWanted: true });
    expect(plan(waiting, NOW).uplink).toEqual({ step: 'upload' });
    const paced = { ...waiting, pending: pendingOf({ nextStepAt: NOW + 7 }) };
    expect(plan(paced, NOW)).toMatchObject({ uplink: null, wakeAt: NOW + 7 });
    const failed = { ...waiting, pending: pendingOf({ failures: 1 }) };
    expect(plan(failed, NOW).uplink).toEqual({ step: 'heartbeat' });
    expect(plan({ ...waiting, pending: null }, NOW).uplink).toEqual({ step: 'heartbeat' });
    expect(uploadGoesFirst(waiting, NOW + 899_999)).toBe(true);
    expect(plan(waiting, NOW + 900_000).uplink).toEqual({ step: 'heartbeat' });
  });

  it('hold scans until the check-in, those on demand excepted', () => {
    const blackout = { until: null, releaseAt: NOW, resuming: true };
    const due = restingFacts({ blackout, types: { Inventory: syncedType(48 * HOUR) } });
    expect(plan(due, NOW).collect).toBeNull();
    expect(plan({ ...due, blackout: { ...blackout, resuming: false } }, NOW).collect).not.toBeNull();
  });
});

describe('reduced activity', () => {
  const period = {
    days: [6],
    start: '02:00',
    end: '06:00',
    modules: ['AI' as const],
    holds: ['collection' as const],
  };

  it('holds scheduled scans of its modules, while the agent checks in and scans on demand run', async () => {
    await inForce({ blackoutWindows: [], reducedActivity: [period] });
    await until('02:30');
    const before = rig.collector.collections.length;
    rig.collector.changed();
    await until('05:00');
    expect(rig.collector.collections).toHaveLength(before);
    expect(callsBetween('02:30', '05:00')).toContain('heartbeat');
    expect(rig.status.reduced).toEqual({
      noCollection: ['Inventory'],
      noTransmission: [],
      until: '2026-11-21T06:00:00.000Z',
    });
    expect(await scan()).toHaveProperty('accepted');
    await rig.until(() => rig.facts.collecting === null);
    await rig.settle();
    expect(rig.collector.collections).toHaveLength(before + 1);
    rig.collector.changed();
    await until('05:59');
    expect(rig.collector.collections).toHaveLength(before + 1);
    await until('06:02');
    expect(rig.collector.collections).toHaveLength(before + 2);
    expect(rig.status.reduced).toEqual({ noCollection: [], noTransmission: [], until: null });
  });

  it('holds uploads of its modules, and nothing else of them', async () => {
    await inForce({ blackoutWindows: [], reducedActivity: [{ ...period, holds: ['transmission'] }] });
    await until('02:30');
    rig.collector.host.set('Inventory', [deb('bash'), deb('nano')]);
    rig.collector.changed();
    await until('05:59');
    expect(rig.facts.pending).not.toBeNull();
    const sent = callsBetween('02:30', '06:00');
    expect(sent).toContain('heartbeat');
    expect(sent).not.toContain('openUpload');
    await until('06:01');
    expect(rig.inSync()).toBe(true);
  });

  it('concerns no other module', async () => {
    await inForce({ blackoutWindows: [], reducedActivity: [{ ...period, modules: ['VM', 'SCA'] }] });
    await until('02:30');
    const before = rig.collector.collections.length;
    rig.collector.changed();
    await until('02:40');
    expect(rig.collector.collections).toHaveLength(before + 1);
  });
});
