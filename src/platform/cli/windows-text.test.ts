import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MODULES } from '../../shared/modules.ts';
import { Refused } from '../errors.ts';
import { formatBlackout, formatReduced, parseBlackout, parseReduced } from './windows-text.ts';

const days = fc
  .uniqueArray(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 7 })
  .map((found) => found.sort((a, b) => a - b));
const time = fc
  .tuple(fc.nat(23), fc.nat(59))
  .map(([hour, minute]) => `${String(hour).padStart(2, '0')}:${String(minute).padStart(2, '0')}`);
const windows = fc.record({ days, start: time, end: time });
const periods = windows.chain((window) =>
  fc.record({
    days: fc.constant(window.days),
    start: fc.constant(window.start),
    end: fc.constant(window.end),
    holds: fc.subarray(['collection', 'transmission'] as const, { minLength: 1 }),
    modules: fc.subarray([...MODULES]),
  }),
);

describe('windows in words', () => {
  it('R154 say days, ranges over the end of the week, and times', () => {
    expect(parseBlackout('Mon-Fri 22:00-06:00; sat,SUN 00:00-00:00')).toEqual([
      { days: [1, 2, 3, 4, 5], start: '22:00', end: '06:00' },
      { days: [6, 7], start: '00:00', end: '00:00' },
    ]);
    expect(parseBlackout('Sat-Mon 08:00-09:30')[0]?.days).toEqual([1, 6, 7]);
    expect(parseBlackout('daily 08:00-09:30')[0]?.days).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(parseBlackout(' ; ')).toEqual([]);
  });

  it('say what a period holds back, and of which modules', () => {
    expect(
      parseReduced('daily 09:00-12:00 collection VM,pc; Mon 08:00-09:00 collection,transmission'),
    ).toEqual([
      {
        days: [1, 2, 3, 4, 5, 6, 7],
        start: '09:00',
        end: '12:00',
        holds: ['collection'],
        modules: ['VM', 'PC'],
      },
      { days: [1], start: '08:00', end: '09:00', holds: ['collection', 'transmission'], modules: [] },
    ]);
  });

  it('are read as they were written', () => {
    fc.assert(
      fc.property(
        fc.array(windows, { maxLength: 5 }),
        fc.array(periods, { maxLength: 5 }),
        (blackout, reduced) => {
          expect(parseBlackout(formatBlackout(blackout))).toEqual(blackout);
          expect(parseReduced(formatReduced(reduced))).toEqual(reduced);
        },
      ),
    );
  });

  it.each([
    'Mon',
    'Mon 8:00-09:00',
    'Mon 24:00-25:00',
    'Mon 08:00-09:60',
    'Mon 08:00-09:00 always',
    'Mon-Wed-Fri 08:00-09:00',
    'Monday 08:00-09:00',
    'Mon, 08:00-09:00',
    '1 08:00-09:00',
  ])('are refused with an example when they are none: %s', (text) => {
    expect(() => parseBlackout(`daily 01:00-02:00; ${text}`)).toThrow(Refused);
    expect(() => parseBlackout(text)).toThrow(/write, for example, Mon-Fri 22:00-06:00/);
  });

  it.each([
    'Mon 08:00-09:00',
    'Mon 08:00-09:00 nothing',
    'Mon 08:00-09:00 collection XY',
    'Mon 08:00-09:00 collection VM PC',
    'Mon 08:00-09:00 collection,',
  ])('of a period as well: %s', (text) => {
    expect(() => parseReduced(text)).toThrow(Refused);
  });
});
