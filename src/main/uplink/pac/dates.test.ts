import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dateRange, timeRange, weekdayRange } from './dates.ts';

/** Saturday, 21 November 2026, 14:30:15 UTC. */
const NOW = Date.UTC(2026, 10, 21, 14, 30, 15);

/** Adds GMT, so that the machine's zone is of no concern. */
const gmt = (...args: readonly string[]): readonly string[] => [...args, 'GMT'];

describe('weekdayRange', () => {
  it.each([
    [['SAT'], true],
    [['SUN'], false],
    [['MON', 'FRI'], false],
    [['FRI', 'MON'], true],
    [['SAT', 'SAT'], true],
    [['MON', 'SAT'], true],
    [['SAT', 'MON'], true],
    [['SUN', 'FRI'], false],
    [['sat'], false],
    [['SAT', 'NODAY'], false],
    [[], false],
    [['SAT', 'SUN', 'MON'], false],
  ])('%j on a Saturday is %s', (args, expected) => {
    expect(weekdayRange(gmt(...args), NOW)).toBe(expected);
  });
});

describe('dateRange', () => {
  it.each([
    [['21'], true],
    [['22'], false],
    [['NOV'], true],
    [['DEC'], false],
    [['2026'], true],
    [['2025'], false],
    [['31'], false],
    [['1', '15'], false],
    [['15', '25'], true],
    [['21', '21'], true],
    [['25', '21'], true],
    [['25', '5'], false],
    [['OCT', 'DEC'], true],
    [['NOV', 'JAN'], true],
    [['DEC', 'FEB'], false],
    [['2025', '2026'], true],
    [['2027', '2030'], false],
    [['2030', '2020'], false],
    [['21', 'NOV', '21', 'NOV'], true],
    [['22', 'NOV', '20', 'NOV'], false],
    [['1', 'JUN', '15', 'AUG'], false],
    [['1', 'JUN', '30', 'NOV'], true],
    [['24', 'DEC', '2', 'JAN'], false],
    [['1', 'NOV', '2', 'JAN'], true],
    [['NOV', '2026', 'MAR', '2027'], true],
    [['OCT', '2025', 'MAR', '2026'], false],
    [['1', 'NOV', '2026', '30', 'NOV', '2026'], true],
    [['1', 'JAN', '2027', '31', 'DEC', '2027'], false],
    [['NODAY'], false],
    [['1', 'NOV'], false],
    [['1', 'NOV', '2026'], false],
    [['1', '2', '3', '4'], false],
    [[], false],
  ])('%j on 21 November 2026 is %s', (args, expected) => {
    expect(dateRange(gmt(...args), NOW)).toBe(expected);
  });
});

describe('timeRange', () => {
  it.each([
    [['14'], true],
    [['15'], false],
    [['9', '17'], true],
    [['14', '14'], true],
    [['8', '13'], false],
    [['22', '6'], false],
    [['15', '14'], false],
    [['14', '30', '14', '30'], true],
    [['14', '31', '14', '29'], false],
    [['22', '0', '15', '0'], true],
    [['14', '30', '15', '14', '30', '15'], true],
    [['14', '30', '16', '14', '30', '14'], false],
    [['0', '0', '0', '0', '0', '30'], false],
    [['x'], false],
    [['1', '2', '3'], false],
    [[], false],
  ])('%j at 14:30:15 is %s', (args, expected) => {
    expect(timeRange(gmt(...args), NOW)).toBe(expected);
  });
});

describe('the functions of time', () => {
  it('go by local time unless GMT is said', () => {
    const local = new Date(NOW);
    expect(timeRange([String(local.getHours())], NOW)).toBe(true);
    expect(dateRange([String(local.getDate())], NOW)).toBe(true);
    expect(weekdayRange(gmt('SAT'), NOW)).toBe(true);
  });

  it('take any arguments and answer yes or no', () => {
    const word = fc.oneof(
      fc.constantFrom('GMT', 'MON', 'SUN', 'JAN', 'DEC', '0', '31', '2026', '', '-1', '1e9', 'NaN'),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 8 }), fc.integer(), (args, now) => {
        for (const ask of [weekdayRange, dateRange, timeRange]) expect(ask(args, now)).toBeTypeOf('boolean');
      }),
    );
  });

  it('hold every day of the week between a day and the one before it', () => {
    const day = fc.integer({ min: 0, max: 6 });
    const names = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];
    fc.assert(
      fc.property(day, day, fc.integer({ min: 0, max: 4e12 }), (from, to, now) => {
        const today = new Date(now).getUTCDay();
        const expected = (today - from + 7) % 7 <= (to - from + 7) % 7;
        expect(weekdayRange(gmt(names[from]!, names[to]!), now)).toBe(expected);
      }),
    );
  });
});
