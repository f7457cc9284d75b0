import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { glob } from './glob.ts';

/** The same patterns as a regular expression: slow on some, obviously right. */
function oracle(pattern: string): RegExp {
  const source = pattern.split('').map((char) => {
    if (char === '*') return '[^/]*';
    if (char === '?') return '[^/]';
    return char.replace(/[.\\^$|()[\]{}+]/, '\\$&');
  });
  return new RegExp(`^${source.join('')}$`, 's');
}

describe('glob', () => {
  it.each([
    ['*.conf', 'nginx.conf', true],
    ['*.conf', '.conf', true],
    ['*.conf', 'nginx.conf.bak', false],
    ['a?c', 'abc', true],
    ['a?c', 'ac', false],
    ['a?c', 'a/c', false],
    ['/etc/*.d', '/etc/cron.d', true],
    ['/etc/*.d', '/etc/apt/sources.d', false],
    ['/etc/*/sources.list', '/etc/apt/sources.list', true],
    ['*', '', true],
    ['', '', true],
    ['', 'a', false],
    ['a', '', false],
    ['?', '', false],
    ['**', 'abc', true],
    ['*a*b*c', 'xaybzc', true],
    ['*a*b*c', 'xaybz', false],
    ['[a]', 'a', false],
    ['[a]', '[a]', true],
    ['*x', 'a*x', true],
  ])('matches %s with %s: %s', (pattern, text, expected) => {
    expect(glob(pattern, '/')(text)).toBe(expected);
  });

  it('stops at the separator of Windows where asked to', () => {
    expect(glob('C:\\*\\hosts', '\\')('C:\\etc\\hosts')).toBe(true);
    expect(glob('C:\\*\\hosts', '\\')('C:\\a\\b\\hosts')).toBe(false);
    expect(glob('a*c', '\\')('a/c')).toBe(true);
  });

  it('agrees with a regular expression on every pattern and text', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b', '/', '*', '?', '.'), maxLength: 8 });
    fc.assert(
      fc.property(letters, letters, (pattern, text) => {
        expect(glob(pattern, '/')(text)).toBe(oracle(pattern).test(text));
      }),
      { numRuns: 3_000 },
    );
  });

  it('takes no time worth telling for a pattern made to explode', () => {
    const steps = glob(`${'*a'.repeat(500)}b`, '/');
    expect(steps('a'.repeat(4_096))).toBe(false);
  });
});
