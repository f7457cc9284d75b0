import { beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defaultProfile, type Profile } from '../../shared/profile.ts';
import type { Store } from '../queue/open.ts';
import {
  blackoutAfter,
  checkedInAfterBlackout,
  followQuietTimes,
  movedBlackout,
  noBlackout,
  storedBlackout,
  uploadGoesFirst,
} from './blackout.ts';
import { emptyTypeFacts, type Facts } from './facts.ts';
import { QuietTimesCache } from './quiet-times.ts';
import { NOW, pendingOf, restingFacts, syncedType } from './testing/facts.ts';
import { MemoryValues } from './testing/memory-values.ts';
import { plainContext } from './testing/plain-context.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const EVERY_DAY = [1, 2, 3, 4, 5, 6, 7];
/** `NOW` is 01:00 UTC; the windows of these tests are read in UTC. */
const NIGHT = { days: EVERY_DAY, start: '02:00', end: '04:00' };
const profileOf = (change: Partial<Profile>): Profile => ({ ...defaultProfile(), ...change });

/** A context and what it takes to look at its windows. */
function contextOf(change: Partial<Facts>) {
  const { context, clock, noted } = plainContext(change);
  const cache = new QuietTimesCache();
  const broken = { off: 0 };
  const follow = (at: number): number | null => {
    clock.at = at;
    return followQuietTimes(context, cache, () => (broken.off += 1));
  };
  return { context, noted, broken, follow };
}

describe('following the windows of a profile', () => {
  let life: ReturnType<typeof contextOf>;
  beforeEach(() => {
    const types = {
      Inventory: syncedType(24 * HOUR - 3 * HOUR - 30_000),
      Vulnerability: syncedType(HOUR - 30_001),
      UDC: syncedType(0, { cycleEndedAt: null }),
      SCA: syncedType(3 * HOUR),
    };
    const activeTypes = ['Inventory', 'Vulnerability', 'UDC', 'SCA', 'FIM'] as const;
    const profile = profileOf({ blackoutWindows: [NIGHT], scanDelayMin: 10 });
    life = contextOf({ types, activeTypes, profile, heartbeatWanted: false });
  });

  it('says when to look again: at the next bound, at the latest in a quarter of an hour, without windows never', () => {
    expect(life.follow(NOW)).toBe(NOW + 15 * MINUTE);
    expect(life.follow(NOW + 50 * MINUTE)).toBe(NOW + HOUR);
    expect(contextOf({}).follow(NOW)).toBeNull();
  });

  it('changes nothing and writes nothing while nothing changes', () => {
    life.follow(NOW);
    expect(life.noted.updates).toHaveLength(1); // the lists of what is held back, once
    life.follow(NOW + 1);
    life.follow(NOW + 59 * MINUTE);
    expect(life.noted).toMatchObject({ updates: [{ reduced: expect.anything() as unknown }], lines: [] });
    expect(life.context.store.kv.get('blackout', z.object({}))).toBeUndefined();
  });

  it('R153 breaks off what is under way when a blackout begins, once, and says until when', () => {
    life.follow(NOW + HOUR);
    expect(life.noted.lines).toEqual([
      'info blackout begins: nothing is sent before 2026-11-21T04:00:00.000Z',
    ]);
    expect(life.context.facts().blackout).toEqual({
      until: NOW + 3 * HOUR,
      releaseAt: null,
      resuming: false,
    });
    const longer = profileOf({ blackoutWindows: [{ ...NIGHT, end: '05:00' }] });
    life.context.update({ profile: longer });
    life.follow(NOW + 2 * HOUR);
    expect(life.context.facts().blackout.until).toBe(NOW + 4 * HOUR);
    expect([life.broken.off, life.noted.lines.length]).toEqual([1, 1]);
    expect(storedBlackout(life.context.store)).toEqual(life.context.facts().blackout);
  });

  it('R157 wants a check-in when it is over, and gives delay to the scans that were held up alone', () => {
    life.follow(NOW + HOUR);
    life.follow(NOW + 3 * HOUR);
    const releaseAt = NOW + 3 * HOUR + 30_000;
    expect(life.noted.lines.at(-1)).toBe(
      'info the blackout is over: the platform is asked again at 2026-11-21T04:00:30.000Z',
    );
    const { blackout, heartbeatWanted, types } = life.context.facts();
    expect({ blackout, heartbeatWanted }).toEqual({
      blackout: { until: null, releaseAt, resuming: true },
      heartbeatWanted: true,
    });
    const notBefore = Object.fromEntries(
      Object.entries(types).map(([type, known]) => [type, known.notBefore]),
    );
    // Due at the very moment and before; due a millisecond later; never due.
    expect(notBefore).toEqual({
      Inventory: releaseAt + 10 * MINUTE,
      SCA: releaseAt + 10 * MINUTE,
      Vulnerability: 0,
      UDC: 0,
    });
  });

  it('forgets a blackout once the check-in was made, and not before', () => {
    life.follow(NOW + HOUR);
    life.follow(NOW + 3 * HOUR);
    life.follow(NOW + 3 * HOUR + 1);
    expect(life.context.facts().blackout.resuming).toBe(true);
    checkedInAfterBlackout(life.context);
    expect(life.context.facts().blackout.resuming).toBe(false);
    expect(storedBlackout(life.context.store).resuming).toBe(true);
    life.follow(NOW + 3 * HOUR + 2);
    expect(life.context.facts().blackout).toEqual(noBlackout);
    expect(storedBlackout(life.context.store)).toEqual(noBlackout);
    const before = life.noted.updates.length;
    checkedInAfterBlackout(life.context);
    life.follow(NOW + 3 * HOUR + 3);
    expect(life.noted.updates).toHaveLength(before);
  });

  it('notes what periods hold back as soon as it is another list', () => {
    const period = { days: EVERY_DAY, start: '01:30', end: '01:45', modules: [] };
    for (const holds of [['collection' as const], ['transmission' as const]]) {
      const reduced = contextOf({ profile: profileOf({ reducedActivity: [{ ...period, holds }] }) });
      reduced.follow(NOW);
      reduced.follow(NOW + 30 * MINUTE);
      const { noCollection, noTransmission } = reduced.context.facts().reduced;
      const all = [...noCollection, ...noTransmission];
      expect(all).toEqual(['Inventory']);
      reduced.follow(NOW + 45 * MINUTE);
      expect(reduced.context.facts().reduced).toEqual({ noCollection: [], noTransmission: [] });
    }
  });
});

describe('a blackout as facts', () => {
  const over = { until: null, releaseAt: NOW, resuming: true };

  it('never begins where its window has no end', () => {
    const endless = { blackout: true, blackoutChangesAt: null };
    expect(blackoutAfter(restingFacts(), endless, { next: () => 0 }, NOW)).toBeNull();
  });

  it('is what the last run left, which still has to check in where it was over', () => {
    const stored = (value: object | undefined) => {
      const kv = new MemoryValues();
      if (value !== undefined) kv.set('blackout', value);
      return storedBlackout({ kv } as unknown as Store);
    };
    expect(stored(undefined)).toEqual(noBlackout);
    expect(stored({ until: NOW, releaseAt: null })).toEqual({ until: NOW, releaseAt: null, resuming: false });
    expect(stored({ until: null, releaseAt: NOW })).toEqual(over);
  });

  it('lets an upload go first only while it is being left', () => {
    const pending = pendingOf();
    expect(uploadGoesFirst(restingFacts({ blackout: over, pending }), NOW)).toBe(true);
    expect(uploadGoesFirst(restingFacts({ blackout: { ...over, resuming: false }, pending }), NOW)).toBe(
      false,
    );
    expect(uploadGoesFirst(restingFacts({ blackout: { ...over, releaseAt: null }, pending }), NOW)).toBe(
      false,
    );
    expect(uploadGoesFirst(restingFacts({ blackout: over }), NOW)).toBe(false);
  });

  it('moves with a clock that is set, as far as it is counted from a moment', () => {
    expect(movedBlackout(over, -HOUR)).toEqual({ ...over, releaseAt: NOW - HOUR });
    expect(movedBlackout(noBlackout, -HOUR)).toEqual(noBlackout);
  });

  it('gives no scan of an unknown type a time', () => {
    const life = contextOf({
      profile: profileOf({ blackoutWindows: [NIGHT] }),
      activeTypes: ['Inventory', 'FIM'],
      types: { Inventory: emptyTypeFacts },
      blackout: { until: NOW, releaseAt: null, resuming: false },
    });
    life.follow(NOW);
    expect(life.context.facts().types).toEqual({ Inventory: emptyTypeFacts });
  });
});
