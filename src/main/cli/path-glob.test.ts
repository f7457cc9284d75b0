import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pathGlob } from './path-glob.ts';

describe('a pattern for paths', () => {
  it.each([
    ['/etc/*', '/etc/passwd', true],
    ['/etc/*', '/etc/ssh/sshd_config', false],
    ['/etc/**', '/etc/ssh/sshd_config', true],
    ['/etc/**/a', '/etc/a', false],
    ['*.conf', '/etc/a.conf', true],
    ['*.conf', '/etc/a.conf/b', false],
    ['?s', '/bin/ls', true],
    ['?', '/bin/\u{1f600}', true],
    ['C:\\Users\\*', 'C:\\Users\\ada', true],
    ['[a]', '/x/a', false],
    ['', '/x/', true],
  ])('%s on %s: %s', (pattern, path, expected) => {
    expect(pathGlob(pattern)(path)).toBe(expected);
  });

  it('means what the regular expression means that it stands for', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '/', '*', '?', '.'), maxLength: 12 });
    fc.assert(
      fc.property(text, text, (rest, path) => {
        const source = `/${rest}`
          .replace(/\*+|[^*]/g, (part) =>
            part === '?' ? '[^/]' : part === '*' ? '[^/]*' : part.startsWith('*') ? '.*' : `\\${part}`,
          )
          .replace(/\\([ab])/g, '$1');
        expect(pathGlob(`/${rest}`)(path)).toBe(new RegExp(`^${source}$`, 's').test(path));
      }),
    );
  });

  it('takes its time linearly, whatever it is, and refuses what is too long', () => {
    const path = `/${'a'.repeat(16_000)}`;
    expect(pathGlob(`/${'*a'.repeat(40)}b`)(path)).toBe(false);
    expect(() => pathGlob('*'.repeat(4_097))).toThrow(RangeError);
  });
});
