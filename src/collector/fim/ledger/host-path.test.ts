import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeHostText } from '../../text.ts';
import { decodePath, encodePath, isWithin, joinPath, splitPath } from './host-path.ts';

describe('paths of the ledger', () => {
  it('come back byte for byte, whatever bytes a name is made of', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 24 }), (bytes) => {
        const text = decodeHostText(bytes);
        expect(decodePath(encodePath(text, 'linux'), 'linux')).toBe(text);
      }),
    );
  });

  it('come back on Windows, surrogates without a partner included', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 0xd800, max: 0xdfff }), (text, unit) => {
        const name = `${text}a${String.fromCharCode(unit)}%ED`;
        expect(decodePath(encodePath(name, 'win32'), 'win32')).toBe(name);
      }),
    );
  });

  it.each([
    ['/a/b', 'linux', '/a', 'b'],
    ['/a', 'linux', '/', 'a'],
    ['/', 'linux', '/', ''],
    ['C:\\a\\b', 'win32', 'C:\\a', 'b'],
    ['C:\\a', 'win32', 'C:\\', 'a'],
    ['C:\\', 'win32', 'C:\\', ''],
  ] as const)('%s on %s is split and joined again', (path, os, parent, name) => {
    expect(splitPath(path, os)).toEqual({ parent, name });
    expect(joinPath(parent, name, os)).toBe(path);
  });

  it('know what is below, and not what only begins the same', () => {
    expect(isWithin('/a', '/a/b', 'linux')).toBe(true);
    expect(isWithin('/a', '/ab', 'linux')).toBe(false);
    expect(isWithin('/', '/ab', 'linux')).toBe(true);
    expect(isWithin('/a', '/a', 'linux')).toBe(true);
    expect(isWithin('/a/b', '/a', 'linux')).toBe(false);
    expect(isWithin('C:\\', 'C:\\a', 'win32')).toBe(true);
    expect(isWithin('C:\\a', 'C:\\ab', 'win32')).toBe(false);
  });
});
