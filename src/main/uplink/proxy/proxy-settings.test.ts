import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseOrder, parsePacLocation, parseSwitch } from './proxy-settings.ts';

describe('a switch', () => {
  it.each([
    ['on', true],
    [' ON ', true],
    ['1', true],
    ['off', false],
    ['0', false],
  ])('%j is %s', (text, value) => {
    expect(parseSwitch(text)).toBe(value);
  });

  it.each(['', 'yes', 'onoff', '2'])('%j is neither', (text) => {
    expect(() => parseSwitch(text)).toThrow(`"${text}" is neither on nor off`);
  });
});

describe('an order', () => {
  it('is sequential or random, in any case', () => {
    expect([parseOrder('Sequential'), parseOrder('RANDOM')]).toEqual(['sequential', 'random']);
    expect(() => parseOrder('first')).toThrow('"first" is neither sequential nor random');
  });
});

describe('the place of a PAC file', () => {
  it.each([
    ['http://server/Agent.pac', 'linux', 'http://server/Agent.pac'],
    ['HTTPS://Server/a b', 'linux', 'https://server/a%20b'],
    ['file:///etc/proxy.pac', 'linux', 'file:///etc/proxy.pac'],
    ['/etc/proxy.pac', 'linux', '/etc/proxy.pac'],
    ['/etc/prüf.pac', 'darwin', '/etc/prüf.pac'],
    ['C:\\ProgramData\\proxy.pac', 'win32', 'C:\\ProgramData\\proxy.pac'],
  ] as const)('%s is taken on %s', (text, platform, location) => {
    expect(parsePacLocation(text, platform)).toBe(location);
  });

  it.each([
    ['', 'is empty'],
    ['proxy.pac', 'neither a URL nor an absolute path'],
    ['C:\\proxy.pac', 'is refused'],
    ['ftp://server/p', 'ftp:// is refused'],
    ['data:text/plain,x', 'data:// is refused'],
    ['http://u:secret@server/p', 'would stand in clear'],
    ['u:secret@server', 'is refused'],
    ['/etc/a\u0000b', 'control character'],
    [`/${'x'.repeat(2048)}`, 'longer than 2048 characters'],
  ])('%j is refused on Linux: %s', (text, reason) => {
    expect(() => parsePacLocation(text, 'linux')).toThrow(reason);
  });

  it('is refused without repeating what stands before an @', () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^[A-Z]{12,20}$/),
        fc.constantFrom('http://', '', 'x:'),
        (secret, scheme) => {
          let message = '';
          try {
            parsePacLocation(`${scheme}u:${secret}@h:x/`, 'linux');
          } catch (error) {
            ({ message } = error as Error);
          }
          expect(message).not.toBe('');
          expect(message).not.toContain(secret);
        },
      ),
    );
  });
});
