import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ManifestType, Module } from '../../shared/modules.ts';
import type { BlackoutWindow, ReducedActivity } from '../../shared/profile.ts';
import { QuietTimesCache, quietTimesAt } from './quiet-times.ts';

const HOUR = 3600_000;
const utc = (): number => 0;
/** Saturday. */
const at = (time: string): number => Date.parse(`2026-11-21T${time}:00Z`);
const EVERY_DAY = [1, 2, 3, 4, 5, 6, 7];
const TYPES: readonly ManifestType[] = ['Inventory', 'Vulnerability', 'SCA'];

const blackout = (start: string, end: string): BlackoutWindow => ({ days: EVERY_DAY, start, end });
const reduced = (
  start: string,
  end: string,
  holds: ReducedActivity['holds'],
  modules: Module[] = [],
): ReducedActivity => ({ ...blackout(start, end), holds, modules });
const profileOf = (blackoutWindows: BlackoutWindow[] = [], reducedActivity: ReducedActivity[] = []) => ({
  blackoutWindows,
  reducedActivity,
});

describe('quiet times', () => {
  it('R153 are none, for ever, in a profile without windows', () => {
    expect(quietTimesAt(profileOf(), TYPES, at('12:00'), utc)).toEqual({
      blackout: false,
      noCollection: [],
      noTransmission: [],
      blackoutChangesAt: null,
      changesAt: null,
    });
  });

  it('hold back the types of the modules that a period names, and all where it names none', () => {
    const periods = [
      reduced('12:00', '13:00', ['collection'], ['VM']),
      reduced('12:30', '14:00', ['transmission']),
    ];
    const times = (time: string) => quietTimesAt(profileOf([], periods), TYPES, at(time), utc);
    expect(times('12:00')).toMatchObject({ noCollection: ['Vulnerability'], noTransmission: [] });
    expect(times('12:45')).toMatchObject({ noCollection: ['Vulnerability'], noTransmission: TYPES });
    expect(times('13:30')).toMatchObject({ noCollection: [], noTransmission: TYPES });
    expect(times('14:00')).toMatchObject({ noCollection: [], noTransmission: [] });
  });

  it('change next at the earliest bound of any window, the blackout at its own', () => {
    const profile = profileOf(
      [blackout('20:00', '22:00')],
      [reduced('12:00', '13:00', ['collection']), reduced('18:00', '19:00', ['collection'])],
    );
    const times = quietTimesAt(profile, TYPES, at('10:00'), utc);
    expect([times.blackoutChangesAt, times.changesAt]).toEqual([at('20:00'), at('12:00')]);
    const inside = quietTimesAt(profile, TYPES, at('21:00'), utc);
    expect(inside.blackout).toBe(true);
    expect([inside.blackoutChangesAt, inside.changesAt]).toEqual([at('22:00'), at('22:00')]);
    const alone = quietTimesAt(profileOf([blackout('20:00', '22:00')]), TYPES, at('10:00'), utc);
    expect(alone.changesAt).toBe(at('20:00'));
  });
});

describe('quiet times that are remembered', () => {
  const profile = profileOf([blackout('20:00', '22:00')]);

  it('are the same answer until something changes next, and from then on another', () => {
    const cache = new QuietTimesCache();
    const first = cache.at(profile, TYPES, at('10:00'), utc);
    expect(cache.at(profile, TYPES, at('10:00'), utc)).toBe(first);
    expect(cache.at(profile, TYPES, at('20:00') - 1, utc)).toBe(first);
    const second = cache.at(profile, TYPES, at('20:00'), utc);
    expect(second.blackout).toBe(true);
    expect(cache.at(profile, TYPES, at('21:59'), utc)).toBe(second);
  });

  it('are read anew after the clock was set back, and where the profile has no windows never', () => {
    const cache = new QuietTimesCache();
    const first = cache.at(profile, TYPES, at('10:00'), utc);
    const before = cache.at(profile, TYPES, at('10:00') - 1, utc);
    expect(before).not.toBe(first);
    expect(before).toEqual(first);
    const none = profileOf();
    const empty = cache.at(none, TYPES, at('10:00'), utc);
    expect(cache.at(none, TYPES, at('10:00') + 400 * 24 * HOUR, utc)).toBe(empty);
  });

  it('are read anew for other windows, other types and another offset of the zone, though equal', () => {
    const cache = new QuietTimesCache();
    const first = cache.at(profile, TYPES, at('10:00'), utc);
    for (const other of [
      cache.at({ ...profile, blackoutWindows: [...profile.blackoutWindows] }, TYPES, at('10:00'), utc),
      cache.at({ ...profile, reducedActivity: [] }, TYPES, at('10:00'), utc),
      cache.at(profile, [...TYPES], at('10:00'), utc),
      cache.at(profile, TYPES, at('10:00'), () => HOUR),
    ])
      expect(other).not.toBe(first);
    expect(cache.at(profile, TYPES, at('10:00'), () => HOUR).changesAt).toBe(at('19:00'));
  });

  it('are always what the moment itself would give', () => {
    const time = fc
      .tuple(fc.nat(23), fc.nat(59))
      .map(([h, m]) => `${String(h).padStart(2, '0')}:${String(m).padStart(2, '0')}`);
    const days = fc.uniqueArray(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 3 });
    const windows = fc.array(fc.record({ days, start: time, end: time }), { maxLength: 3 });
    const steps = fc.array(fc.integer({ min: -2 * HOUR, max: 40 * HOUR }), { maxLength: 20 });
    fc.assert(
      fc.property(windows, windows, steps, (blackoutWindows, periods, moves) => {
        const some = profileOf(
          blackoutWindows,
          periods.map((one) => ({ ...one, modules: [], holds: ['collection'] })),
        );
        const cache = new QuietTimesCache();
        let now = at('10:00');
        for (const move of moves) {
          now += move;
          expect(cache.at(some, TYPES, now, utc)).toEqual(quietTimesAt(some, TYPES, now, utc));
        }
      }),
    );
  });
});
