import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FRESH_MS, freshMs } from './freshness.ts';

const NOW = Date.UTC(2026, 10, 21, 12);
const HTTP = (ms: number): string => new Date(ms).toUTCString();

describe('how long a fetched script may be used', () => {
  it.each([
    ['an hour where nothing is said', {}, 3_600],
    ['max-age', { 'cache-control': 'public, max-age=1200' }, 1_200],
    ['max-age less what it spent in a cache', { 'cache-control': 'max-age=1200', age: '300' }, 900],
    ['max-age before Expires', { 'cache-control': 'max-age=1200', expires: HTTP(NOW + 9e6) }, 1_200],
    ['Expires', { expires: HTTP(NOW + 1_800_000) }, 1_800],
    [
      'Expires by the clock of its server',
      { expires: HTTP(NOW + 9e8), date: HTTP(NOW + 9e8 - 900_000) },
      900,
    ],
    ['five minutes at least', { 'cache-control': 'max-age=1' }, 300],
    ['five minutes for no-store', { 'cache-control': 'no-store' }, 300],
    ['five minutes for no-cache with a max-age', { 'cache-control': 'no-cache, max-age=9000' }, 300],
    ['five minutes for Expires: 0', { expires: '0' }, 300],
    ['twelve hours at most', { 'cache-control': 'max-age=99999999' }, 43_200],
    ['twelve hours for a far Expires', { expires: HTTP(NOW + 9e10) }, 43_200],
    ['an hour where max-age is no number', { 'cache-control': 'max-age=soon' }, 3_600],
    ['max-age alone, not s-maxage', { 'cache-control': 's-maxage=600' }, 3_600],
  ])('%s', (_name, headers, seconds) => {
    expect(freshMs(headers, NOW)).toBe(seconds * 1000);
  });

  it('lies within its bounds, whatever a server says', () => {
    const headers = fc.record(
      { 'cache-control': fc.string(), expires: fc.string(), date: fc.string(), age: fc.string() },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(headers, (given) => {
        const fresh = freshMs(given, NOW);
        expect(fresh >= FRESH_MS.min && fresh <= FRESH_MS.max).toBe(true);
      }),
    );
  });
});
