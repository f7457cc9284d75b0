import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  canonicalRow,
  compareKeys,
  EMPTY_ROOT,
  itemHash,
  itemKey,
  makeItem,
  RootHasher,
  rootOf,
  tableOfKey,
} from './item.ts';

const sha256 = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex');

describe('canonicalRow', () => {
  it('sorts columns by UTF-16 code units and writes no blanks', () => {
    const row = { b: 1, a: [' x', 'y'], '\ue000': null, '\u{1f600}': true, A: 'z' };
    expect(canonicalRow(row)).toBe('{"A":"z","a":[" x","y"],"b":1,"\u{1f600}":true,"\ue000":null}');
  });

  it('does not depend on the order in which columns were set', () => {
    const row = fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.maxSafeInteger(), fc.boolean()));
    fc.assert(
      fc.property(row, (columns) => {
        const reversed = Object.fromEntries(Object.entries(columns).reverse());
        expect(canonicalRow(reversed)).toBe(canonicalRow(columns));
      }),
    );
  });

  it('writes negative zero as zero', () => {
    expect(canonicalRow({ n: -0 })).toBe('{"n":0}');
  });

  it.each([
    ['NaN', NaN],
    ['infinity', Infinity],
    ['a lone surrogate', '\ud800'],
  ])('throws on %s', (_, value) => {
    expect(() => canonicalRow({ value })).toThrow(/not allowed/);
  });

  it('throws on a lone surrogate in a column name', () => {
    expect(() => canonicalRow({ '\udc00': 1 })).toThrow(/not allowed/);
  });

  it('throws on what is not a row at all', () => {
    expect(() => canonicalRow(undefined as never)).toThrow('a row must be an object');
  });
});

describe('keys', () => {
  it('joins table and row key with U+001F', () => {
    expect(itemKey('deb', 'bash:amd64')).toBe('deb\u001fbash:amd64');
  });

  it('finds the table of a key again, up to the first separator', () => {
    expect(tableOfKey('deb\u001fbash\u001fx')).toBe('deb');
    expect(tableOfKey('deb\u001f')).toBe('deb');
    expect(tableOfKey('\u001fkey')).toBe('');
    expect(tableOfKey('deb')).toBe('deb');
  });

  it('orders keys as their UTF-8 bytes, also above U+FFFF where UTF-16 differs', () => {
    expect(['\uffee', '\u{10000}'].sort()).toEqual(['\u{10000}', '\uffee']);
    expect(compareKeys('\uffee', '\u{10000}')).toBeLessThan(0);
    expect(compareKeys('\u{10000}', '\uffee')).toBeGreaterThan(0);
    expect(compareKeys('a', 'a')).toBe(0);
    expect(compareKeys('a', 'aa')).toBeLessThan(0);
  });

  it('sorts any keys as Buffer.compare sorts their bytes', () => {
    const key = fc.string({ unit: 'binary' });
    fc.assert(
      fc.property(fc.array(key), (keys) => {
        const sorted = [...keys].sort(compareKeys).map((text) => Buffer.from(text, 'utf8').toString('hex'));
        const bytes = keys.map((text) => Buffer.from(text, 'utf8')).sort((a, b) => Buffer.compare(a, b));
        expect(sorted).toEqual(bytes.map((buffer) => buffer.toString('hex')));
      }),
    );
  });
});

describe('hashes', () => {
  it('R220 hashes key, a zero byte and the canonical row of an item', () => {
    const item = makeItem('deb', 'ü', { version: '1', arch: 'all' });
    expect(item).toEqual({
      key: 'deb\u001fü',
      row: '{"arch":"all","version":"1"}',
      hash: sha256('deb\u001fü\0{"arch":"all","version":"1"}'),
    });
    expect(itemHash(item.key, item.row)).toBe(item.hash);
  });

  it('gives the empty map the SHA-256 of the empty string as its root', () => {
    expect(EMPTY_ROOT).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
    expect(rootOf([])).toBe(EMPTY_ROOT);
  });

  it('R220 makes the root of the raw item hashes in their order', () => {
    const a = sha256('a');
    const b = sha256('b');
    const expected = sha256(Buffer.from(a + b, 'hex'));
    expect(rootOf([a, b])).toBe(expected);
    expect(rootOf([b, a])).not.toBe(expected);
    const hasher = new RootHasher();
    hasher.add(a);
    hasher.add(b);
    expect(hasher.digest()).toBe(expected);
  });

  it.each([
    ['', 'nothing'],
    ['zz'.repeat(32), 'no hexadecimal'],
    ['ab'.repeat(31), 'too short'],
    [`${'ab'.repeat(32)}00`, 'too long'],
    [`x${'ab'.repeat(32)}`, 'something before'],
  ])('refuses %j as an item hash (%s) instead of leaving it out of the root', (hash) => {
    expect(() => rootOf([hash])).toThrow('not a SHA-256');
  });
});
