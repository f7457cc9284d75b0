import { describe, expect, it } from 'vitest';
import { lineMatcher, matchingLines } from './pattern.ts';
import { contextOn } from './testing/host.ts';

describe('patterns of a manifest', () => {
  it('match parts of a line', async () => {
    const matches = await lineMatcher('^PermitRootLogin\\s+(no|prohibit-password)');
    expect(matches('PermitRootLogin no')).toBe(true);
    expect(matches('#PermitRootLogin no')).toBe(false);
  });

  it('take linear time where a backtracking engine would take for ever', async () => {
    const matches = await lineMatcher('^(a+)+$');
    expect(matches(`${'a'.repeat(10_000)}!`)).toBe(false);
  });

  it.each(['(', '(?=a)', '(a)\\1', '(x{999}){999}'])('refuses %s', async (pattern) => {
    await expect(lineMatcher(pattern)).rejects.toThrow('the pattern is not one of RE2');
  });

  it('gives a file up when pattern and file together take too long', async () => {
    let now = 0;
    const context = contextOn('/', { now: () => (now += 6_000) });
    async function* blocks() {
      yield await Promise.resolve(Array.from({ length: 200 }, () => 'x'));
    }
    const all = async () => {
      for await (const line of matchingLines(context, 'x', blocks())) expect(line).toBe('x');
    };
    await expect(all()).rejects.toThrow('the pattern takes too long on this file');
  });
});
