import { describe, expect, it } from 'vitest';
import { forgetOldest } from './forget-oldest.ts';

describe('what is remembered within a bound', () => {
  it('loses what was put in first, and nothing while there is room', () => {
    const map = new Map<number, string>();
    for (const n of [3, 1, 2]) {
      map.set(n, 'x');
      forgetOldest(map, 2);
    }
    expect([...map.keys()]).toEqual([1, 2]);
    const set = new Set(['b', 'a']);
    forgetOldest(set, 2);
    expect([...set]).toEqual(['b', 'a']);
    forgetOldest(set, 1);
    expect([...set]).toEqual(['a']);
  });
});
