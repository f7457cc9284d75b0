import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MANIFEST_TYPES } from '../shared/modules.ts';
import type { Row } from '../shared/rows.ts';
import {
  changeLine,
  DELTA_FORMAT,
  headerLine,
  MAX_LINE,
  parseChange,
  parseHeader,
  type DeltaHeader,
} from './delta-body.ts';
import { encodeText } from './encode.ts';
import { EMPTY_ROOT, itemHash, makeItem } from './item.ts';

const HEADER: DeltaHeader = {
  format: DELTA_FORMAT,
  type: 'Vulnerability',
  baseSeq: 0,
  baseRoot: EMPTY_ROOT,
  newSeq: 1,
  newRoot: 'ab'.repeat(32),
};
const KEY = 'deb\u001fbash';
const set = (row: string, key = KEY): string => `{"set":[${JSON.stringify(key)},${row}]}`;
const del = (key: string): string => JSON.stringify({ del: key });

const text = fc.string({ unit: 'binary', maxLength: 20 }).map(encodeText);
const row: fc.Arbitrary<Row> = fc.dictionary(
  fc.stringMatching(/^[a-z][a-z_]{0,8}$/),
  fc.oneof(text, fc.maxSafeInteger(), fc.boolean(), fc.constant(null), fc.array(text, { maxLength: 3 })),
  { maxKeys: 6 },
);

describe('delta body', () => {
  it('gives every change back that was written', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z][a-z0-9_]{0,8}$/), text, row, (table, rowKey, columns) => {
        const item = makeItem(table, rowKey, columns);
        for (const change of [{ set: item }, { del: item.key }]) {
          const line = changeLine(change);
          expect(line.indexOf('\n')).toBe(line.length - 1);
          expect(parseChange(line, undefined)).toEqual(change);
        }
      }),
    );
  });

  it('gives the header back for every manifest type', () => {
    for (const type of MANIFEST_TYPES) {
      const line = headerLine({ ...HEADER, type });
      expect(line.indexOf('\n')).toBe(line.length - 1);
      expect(parseHeader(line)).toEqual({ ...HEADER, type });
    }
  });

  it.each([
    ['another format', { format: 'wayfarer-delta/2' }],
    ['an unknown type', { type: 'Telemetry' }],
    ['a negative base', { baseSeq: -1 }],
    ['a fraction as sequence', { newSeq: 1.5 }],
    ['no new sequence', { newSeq: 0 }],
    ['a sequence that a double cannot count', { newSeq: 2 ** 53 }],
    ['a root that is not one', { newRoot: EMPTY_ROOT.toUpperCase() }],
    ['no base root', { baseRoot: undefined }],
  ])('refuses a header with %s', (_, change) => {
    expect(() => parseHeader(JSON.stringify({ ...HEADER, ...change }))).toThrow();
  });

  it.each(['', 'null', '[]', '{', '"x"'])('refuses %j as a header', (line) => {
    expect(() => parseHeader(line)).toThrow();
  });

  it('R220 makes canonical row and hash itself, from whatever form the row came in', () => {
    const canonical = '{"a":1000,"b":"\u00e9"}';
    const given = ' { "b" : "\\u00e9", "a" : 1e3, "a" : 1000.0 } ';
    expect(parseChange(set(given), undefined)).toEqual({
      set: { key: KEY, row: canonical, hash: itemHash(KEY, canonical) },
    });
  });

  it('ignores a hash that comes along', () => {
    const change = parseChange(`{"set":["deb\\u001fa",{}],"hash":"${'00'.repeat(32)}"}`, undefined);
    expect(change).toEqual({ set: makeItem('deb', 'a', {}) });
  });

  it('accepts changes in ascending key order only', () => {
    expect(parseChange(del('t\u001fb'), 't\u001fa')).toEqual({ del: 't\u001fb' });
    expect(parseChange(del('t\u001f\u{10000}'), 't\u001f\uffee')).toEqual({ del: 't\u001f\u{10000}' });
    expect(() => parseChange(del('t\u001fa'), 't\u001fb')).toThrow('ascending');
    expect(() => parseChange(set('{}', 't\u001fa'), 't\u001fa')).toThrow('ascending');
    expect(() => parseChange(del('t\u001f\uffee'), 't\u001f\u{10000}')).toThrow('ascending');
  });

  it('refuses a line above the limit before it parses it, and takes one at the limit', () => {
    const atLimit = `{"del":"t\\u001fa"}`.padEnd(MAX_LINE, ' ');
    expect(parseChange(atLimit, undefined)).toEqual({ del: 't\u001fa' });
    expect(() => parseChange(`${atLimit} `, undefined)).toThrow(
      `${String(MAX_LINE + 1)} characters is too long`,
    );
    expect(() => parseHeader('x'.repeat(MAX_LINE + 1))).toThrow('too long');
    expect(MAX_LINE).toBe(4_194_304);
  });

  it.each([
    ['a fraction', '{"n":0.5}'],
    ['an integer that a double cannot hold', '{"n":9007199254740993}'],
    ['a number beyond doubles', '{"n":1e999}'],
    ['a nested object', '{"o":{}}'],
    ['a list of numbers', '{"l":[1]}'],
    ['a list in place of the row', '[]'],
    ['no row', 'null'],
    [
      '65 columns',
      JSON.stringify(Object.fromEntries(Array.from({ length: 65 }, (_, n) => [`c${String(n)}`, n]))),
    ],
    ['a column name of 129 characters', `{"${'c'.repeat(129)}":1}`],
    ['a string above 1 MiB', `{"s":"${'x'.repeat(1_048_577)}"}`],
    ['a list entry above 1 MiB', `{"l":["${'x'.repeat(1_048_577)}"]}`],
    ['a lone surrogate', '{"s":"\\ud800"}'],
    ['a lone surrogate in a column name', '{"\\udfff":1}'],
    ['a control character', '{"s":"a\\u001b[2J"}'],
    ['a C1 control character', '{"s":"\\u009b"}'],
    ['a control character in a list', '{"l":["\\n"]}'],
    ['a control character in a column name', '{"\\u0000":1}'],
  ])('refuses a row with %s', (_, json) => {
    expect(() => parseChange(set(json), undefined)).toThrow();
  });

  it('takes a row at its limits', () => {
    const columns = Object.fromEntries(Array.from({ length: 64 }, (_, n) => [`c${String(n)}`, n]));
    expect(parseChange(set(JSON.stringify(columns)), undefined)).toEqual({
      set: makeItem('deb', 'bash', columns),
    });
    const long = { ['c'.repeat(128)]: 'x'.repeat(1_048_576) };
    expect(parseChange(set(JSON.stringify(long)), undefined)).toEqual({ set: makeItem('deb', 'bash', long) });
  });

  it('says why it refuses a key, a row or a format', () => {
    expect(DELTA_FORMAT).toBe('wayfarer-delta/1');
    expect(() => parseChange(del('deb'), undefined)).toThrow('not an item key');
    expect(() => parseChange(set('{"s":"\\n"}'), undefined)).toThrow(
      'a control character or a lone surrogate is not encoded',
    );
  });

  it('lets no `__proto__` column reach a prototype or a row', () => {
    const change = parseChange(set('{"__proto__":"x","a":1,"constructor":"y"}'), undefined);
    expect(change).toEqual({ set: makeItem('deb', 'bash', { a: 1, constructor: 'y' }) });
    expect(Object.hasOwn(Object.prototype, 'x')).toBe(false);
  });

  it.each([
    ['no separator', 'deb'],
    ['no table', '\u001fbash'],
    ['a table that is no identifier', 'Deb\u001fbash'],
    ['a table that begins with a digit', '1deb\u001fbash'],
    ['a second separator', 'deb\u001fa\u001fb'],
    ['a line break at its end', 'deb\u001fbash\n'],
    ['a NUL', 'deb\u001fba\u0000sh'],
    ['DEL', 'deb\u001f\u007f'],
    ['a C1 control character', 'deb\u001f\u0085'],
    ['a lone high surrogate', 'deb\u001f\ud800'],
    ['a lone low surrogate', 'deb\u001f\udc00x'],
    ['more than 70 000 characters', `t\u001f${'k'.repeat(69_999)}`],
    ['something before the table', '-deb\u001fbash'],
  ])('refuses a key with %s', (_, key) => {
    expect(() => parseChange(del(key), undefined)).toThrow();
    expect(() => parseChange(set('{}', key), undefined)).toThrow();
  });

  it('takes keys that are long, empty after the separator, or beyond ASCII', () => {
    for (const key of [`t\u001f${'k'.repeat(69_998)}`, 't_1\u001f', 't\u001f\u00a0~\u{1f600}']) {
      expect(parseChange(del(key), undefined)).toEqual({ del: key });
    }
  });

  it.each([
    '',
    '{}',
    'null',
    '[]',
    '{"del":1}',
    '{"set":["t\\u001fa"]}',
    '{"set":["t\\u001fa",{},{}]}',
    '{"set":["t\\u001fa",{}],"del":"t\\u001fa"}',
    '{"set":["t\\u001fa",{"n":0.5}],"del":"t\\u001fa"}',
    '{"del":"t\\u001fa"}{"del":"t\\u001fb"}',
  ])('refuses %j as a change', (line) => {
    expect(() => parseChange(line, undefined)).toThrow();
  });
});
