import { describe, expect, it } from 'vitest';
import { rfc3339 } from './instant.ts';

describe('an instant of the host', () => {
  it('is said as RFC 3339 does, from year 0 to year 9999', () => {
    expect(rfc3339(1_764_000_000_123)).toBe('2025-11-24T16:00:00.123Z');
    const [first, last] = [Date.parse('0000-01-01T00:00:00.000Z'), Date.parse('9999-12-31T23:59:59.999Z')];
    expect([rfc3339(first), rfc3339(last)]).toEqual(['0000-01-01T00:00:00.000Z', '9999-12-31T23:59:59.999Z']);
    expect([rfc3339(first - 1), rfc3339(last + 1)]).toEqual([undefined, undefined]);
  });

  it('is left out where it is beyond what a date can be, or no number', () => {
    expect([rfc3339(8.64e15 + 1), rfc3339(-1e300), rfc3339(Infinity), rfc3339(NaN)]).toEqual(
      Array(4).fill(undefined),
    );
  });
});
