import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { offsetOf, readsInside, rememberedClock, wallClock } from '../../test/support/zones.ts';
import { coverWholeWeek, insideWindows, windowChangeAfter, type OffsetAt } from './weekly-windows.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Zones with daylight saving on both halves of the earth, by half an hour, at midnight, and without; and one that skipped a day. */
const ZONES = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'Australia/Lord_Howe',
  'America/Santiago',
  'Asia/Kolkata',
  'Africa/Casablanca',
  'Pacific/Apia',
  'Asia/Beirut',
];

const time = fc
  .tuple(fc.nat(23), fc.oneof(fc.constantFrom(0, 30, 59), fc.nat(59)))
  .map(([hour, minute]) => `${String(hour).padStart(2, '0')}:${String(minute).padStart(2, '0')}`);
const days = fc.uniqueArray(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 7 });
const windows = fc.array(fc.record({ days, start: time, end: time }), { minLength: 1, maxLength: 4 });
/** Whole minutes over twenty years, half of them near a change of the clocks somewhere. */
const CHANGES = [
  Date.UTC(2026, 2, 29, 1),
  Date.UTC(2026, 9, 25, 1),
  Date.UTC(2026, 2, 8, 7),
  Date.UTC(2026, 10, 1, 6),
  Date.UTC(2026, 3, 4, 15),
  Date.UTC(2026, 9, 3, 15, 30),
  Date.UTC(2011, 11, 30, 10),
  Date.UTC(2026, 1, 15, 2),
];
const moment = fc.oneof(
  fc
    .integer({ min: Date.UTC(2012, 0, 1) / MINUTE, max: Date.UTC(2032, 0, 1) / MINUTE })
    .map((minute) => minute * MINUTE),
  fc
    .tuple(fc.constantFrom(...CHANGES), fc.integer({ min: -3 * 1440, max: 1440 }))
    .map(([change, minutes]) => change + minutes * MINUTE),
);
const zone = fc.constantFrom(...ZONES);

const utc: OffsetAt = () => 0;
const at = (text: string): number => Date.parse(text);

describe('weekly windows', () => {
  it('R153 R154 hold when the clock on the wall says so, in every zone and over its changes', () => {
    fc.assert(
      fc.property(windows, zone, moment, (given, name, ms) => {
        expect(insideWindows(given, ms, offsetOf(name))).toBe(readsInside(given, wallClock(name)(ms)));
      }),
      { numRuns: 2_000 },
    );
  });

  it('R153 end and begin at the minute at which the clock on the wall leaves and enters them', () => {
    fc.assert(
      fc.property(windows, zone, moment, (given, name, ms) => {
        const wall = rememberedClock(name);
        const now = readsInside(given, wall(ms));
        const found = windowChangeAfter(given, ms, offsetOf(name));
        let slow: number | null = null;
        for (let minute = ms + MINUTE; minute <= ms + 9 * DAY; minute += MINUTE) {
          if (readsInside(given, wall(minute)) === now) continue;
          slow = minute;
          break;
        }
        expect(found).toBe(slow);
      }),
      { numRuns: 300 },
    );
  }, 60_000);

  it('R153 are found to the millisecond, from whatever moment before', () => {
    fc.assert(
      fc.property(
        windows,
        zone,
        moment,
        fc.integer({ min: 1, max: MINUTE - 1 }),
        (given, name, ms, later) => {
          const offsetAt = offsetOf(name);
          expect(windowChangeAfter(given, ms + later, offsetAt)).toBe(windowChangeAfter(given, ms, offsetAt));
        },
      ),
      { numRuns: 300 },
    );
  });

  it('C12 cross midnight, and the end of the week', () => {
    const night = [{ days: [7], start: '22:00', end: '06:00' }];
    expect(insideWindows(night, at('2026-11-22T21:59:59Z'), utc)).toBe(false);
    expect(insideWindows(night, at('2026-11-22T22:00:00Z'), utc)).toBe(true);
    expect(insideWindows(night, at('2026-11-23T05:59:59.999Z'), utc)).toBe(true);
    expect(insideWindows(night, at('2026-11-23T06:00:00Z'), utc)).toBe(false);
    expect(windowChangeAfter(night, at('2026-11-22T23:30:30Z'), utc)).toBe(at('2026-11-23T06:00:00Z'));
    expect(windowChangeAfter(night, at('2026-11-23T06:00:00Z'), utc)).toBe(at('2026-11-29T22:00:00Z'));
  });

  it('that overlap or touch are one', () => {
    const several = [
      { days: [1], start: '08:00', end: '12:00' },
      { days: [1], start: '11:00', end: '13:00' },
      { days: [1], start: '13:00', end: '14:30' },
    ];
    expect(windowChangeAfter(several, at('2026-11-23T09:00:00Z'), utc)).toBe(at('2026-11-23T14:30:00Z'));
  });

  it('an hour that the clock leaves out is in no window, one that it shows twice is in its window twice', () => {
    const berlin = offsetOf('Europe/Berlin');
    const early = [{ days: [7], start: '02:00', end: '03:00' }];
    expect(windowChangeAfter(early, at('2026-03-28T12:00:00Z'), berlin)).toBe(at('2026-04-05T00:00:00Z'));
    expect(windowChangeAfter(early, at('2026-10-24T12:00:00Z'), berlin)).toBe(at('2026-10-25T00:00:00Z'));
    expect(windowChangeAfter(early, at('2026-10-25T00:30:00Z'), berlin)).toBe(at('2026-10-25T02:00:00Z'));
  });

  it('begin and end at the very moment at which the clock jumps into them or out of them', () => {
    const berlin = offsetOf('Europe/Berlin');
    const late = [{ days: [7], start: '02:30', end: '04:00' }];
    // 02:00 becomes 03:00.
    expect(windowChangeAfter(late, at('2026-03-29T00:10:00Z'), berlin)).toBe(at('2026-03-29T01:00:00Z'));
    const half = [{ days: [7], start: '02:00', end: '02:30' }];
    // 03:00 becomes 02:00: the half hour comes twice.
    const changes = [
      '2026-10-24T12:00:00Z',
      '2026-10-25T00:00:00Z',
      '2026-10-25T00:30:00Z',
      '2026-10-25T01:00:00Z',
    ];
    expect(changes.map((from) => windowChangeAfter(half, at(from), berlin))).toEqual(
      ['2026-10-25T00:00:00Z', '2026-10-25T00:30:00Z', '2026-10-25T01:00:00Z', '2026-10-25T01:30:00Z'].map(
        at,
      ),
    );
  });

  it('from and to the same time are a whole day', () => {
    const sunday = [{ days: [7], start: '00:00', end: '00:00' }];
    expect(windowChangeAfter(sunday, at('2026-11-22T00:00:00Z'), utc)).toBe(at('2026-11-23T00:00:00Z'));
    expect(coverWholeWeek(sunday)).toBe(false);
  });

  it('never change where there are none, or where they cover the whole week', () => {
    expect(insideWindows([], 0, utc)).toBe(false);
    expect(windowChangeAfter([], 0, utc)).toBeNull();
    expect(coverWholeWeek([])).toBe(false);
    const always = [
      { days: [1, 2, 3, 4, 5, 6, 7], start: '06:00', end: '18:00' },
      { days: [1, 2, 3, 4, 5, 6, 7], start: '18:00', end: '06:00' },
    ];
    expect(coverWholeWeek(always)).toBe(true);
    expect(insideWindows(always, at('2026-11-23T18:00:00Z'), utc)).toBe(true);
    expect(windowChangeAfter(always, at('2026-11-23T18:00:00Z'), utc)).toBeNull();
    expect(coverWholeWeek(always.slice(1))).toBe(false);
  });

  it('cover the whole week exactly when no minute of it is free', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ days, start: time, end: time }), { maxLength: 8 }), (given) => {
        const monday = at('2026-11-23T00:00:00Z');
        const minutes = Array.from({ length: 7 * 1440 }, (_, minute) => monday + minute * MINUTE);
        expect(coverWholeWeek(given)).toBe(minutes.every((ms) => insideWindows(given, ms, utc)));
      }),
      { numRuns: 40 },
    );
  });
});
