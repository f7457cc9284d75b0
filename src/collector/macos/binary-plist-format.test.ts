import { buildBinary } from 'plist';
import { describe, expect, it } from 'vitest';
import { parseBinaryPlist, PlistError, type PlistValue } from './binary-plist.ts';
import { listOf } from './testing/plist-bytes.ts';

const TRAILER = 32;
const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex');
const one = (hex: string): PlistValue => parseBinaryPlist(listOf([bytes(hex)]));
const refused = (list: Uint8Array, reason: string): void => {
  expect(() => parseBinaryPlist(list)).toThrow(new PlistError(reason));
};

/** A list of one `true`, with bytes of its trailer written over. */
function withTrailer(write: (list: Buffer, trailer: number) => void): Buffer {
  const list = listOf([bytes('09')]);
  write(list, list.length - TRAILER);
  return list;
}

describe('an object of a binary property list', () => {
  it('is refused with an error of its own name', () => {
    expect(new PlistError('why')).toMatchObject({ name: 'PlistError', message: 'why' });
  });

  it.each<[string, string, PlistValue]>([
    ['null', '00', null],
    ['false', '08', false],
    ['true', '09', true],
    ['filler', '0f', null],
    ['an integer of one byte', '10 ff', 255],
    ['an integer of two bytes', '11 ffff', 65_535],
    ['an integer of four bytes', '12 ffffffff', 4_294_967_295],
    ['a negative integer', '13 ffffffffffffffff', -1],
    ['an integer that a double cannot count', '13 4000000000000000', 2n ** 62n],
    ['an integer of sixteen bytes', '14 00000000000000010000000000000000', 2n ** 64n],
    ['a negative integer of sixteen bytes', '14 fffffffffffffffffffffffffffffffe', -2],
    ['a real of four bytes', '22 3fc00000', 1.5],
    ['a real of eight bytes', '23 bff8000000000000', -1.5],
    ['a date', '33 3ff0000000000000', new Date('2001-01-01T00:00:01Z')],
    ['a reference number of one byte', '80 05', 5],
    ['a reference number of two bytes', '81 0102', 258],
    ['a reference number of six bytes', '85 010000000000', 2 ** 40],
    ['a reference number of seven bytes', '86 01000000000000', 2 ** 48],
    ['the largest number', '87 001fffffffffffff', Number.MAX_SAFE_INTEGER],
    ['a small number of sixteen bytes', '8f 00000000000000000000000000000007', 7],
    ['data', '42 01ff', Uint8Array.of(1, 255)],
    ['text of one byte a character', '53 61e962', 'aéb'],
    ['text of two bytes a unit', '63 0061d83dde00', 'a\u{1f600}'],
    ['text whose length stands apart', '5f 10 03 616263', 'abc'],
    ['text whose length has two bytes', '5f 11 0003 616263', 'abc'],
    ['an empty list', 'a0', []],
    ['an empty dictionary', 'd0', new Map()],
  ])('is read: %s', (_, hex, value) => {
    expect(one(hex)).toEqual(value);
  });

  it('is read from lists, sets and dictionaries', () => {
    const leaves = [bytes('51 61'), bytes('09')];
    expect(parseBinaryPlist(listOf([bytes('a2 01 02'), ...leaves]))).toEqual(['a', true]);
    expect(parseBinaryPlist(listOf([bytes('c2 02 01'), ...leaves]))).toEqual([true, 'a']);
    expect(parseBinaryPlist(listOf([bytes('d1 01 02'), ...leaves]))).toEqual(new Map([['a', true]]));
    const two = [bytes('51 61'), bytes('51 62'), bytes('10 01'), bytes('10 02')];
    expect(parseBinaryPlist(listOf([bytes('d2 01 02 03 04'), ...two]))).toEqual(
      new Map([
        ['a', 1],
        ['b', 2],
      ]),
    );
  });

  it('is read wherever it stands, to the very last byte', () => {
    const last = listOf([bytes('09')], [42]);
    expect([last.length, last.at(-1)]).toEqual([43, 0x09]);
    expect(parseBinaryPlist(last)).toBe(true);
    refused(listOf([bytes('09')], [43]), 'object out of bounds');
    expect(parseBinaryPlist(listOf([bytes('09')], [0]))).toBe('\u706c\u6973'); // 'b' of the head means two units
  });

  it.each([
    ['an integer of 32 bytes', `15 ${'00'.repeat(32)}`, 'number of an impossible size'],
    ['a length of 32 bytes', `5f 15 ${'00'.repeat(32)}`, 'number of an impossible size'],
    ['a real of two bytes', '21 0000', 'real number of an impossible size'],
    ['a number beyond what a double can count', '87 0020000000000000', 'number out of bounds'],
    ['text longer than the file', '5f 10 ff 61', 'object out of bounds'],
    ['units longer than the file', '6f 10 15 0061', 'object out of bounds'],
    ['a reference to nothing', 'a1 01', 'reference out of bounds'],
    ['kind 7', '70', 'object of an unknown kind'],
    ['kind 9', '90', 'object of an unknown kind'],
    ['kind b', 'b0', 'object of an unknown kind'],
    ['kind e', 'e0', 'object of an unknown kind'],
    ['kind f', 'f0', 'object of an unknown kind'],
  ])('is refused: %s', (_, hex, reason) => {
    refused(listOf([bytes(hex)]), reason);
  });

  it('is refused as a key unless it is text', () => {
    refused(listOf([bytes('d1 01 01'), bytes('09')]), 'key that is no string');
  });
});

describe('the frame of a binary property list', () => {
  it('is a head, eight bytes, and a trailer at least', () => {
    const whole = listOf([bytes('09')]);
    refused(Buffer.concat([Buffer.from('bplist01'), whole.subarray(8)]), 'not a binary property list');
    refused(Buffer.alloc(200), 'not a binary property list');
    const short = Buffer.alloc(39);
    short.write('bplist00');
    refused(short, 'not a binary property list');
    const empty = Buffer.alloc(40);
    empty.write('bplist00');
    refused(empty, 'number of an impossible size');
    empty.writeUInt8(1, 8 + 6);
    empty.writeUInt8(1, 8 + 7);
    refused(empty, 'reference out of bounds');
  });

  it.each([6, 7])('is refused when the trailer says 0 at %i: offsets and references have a size', (at) => {
    refused(
      withTrailer((list, trailer) => list.writeUInt8(0, trailer + at)),
      'number of an impossible size',
    );
  });

  it('is refused when the offset table does not end before the trailer', () => {
    expect(parseBinaryPlist(withTrailer(() => undefined))).toBe(true);
    const more = withTrailer((list, trailer) => list.writeBigUInt64BE(2n, trailer + 8));
    const later = withTrailer((list, trailer) => list.writeBigUInt64BE(10n, trailer + 24));
    for (const list of [more, later]) refused(list, 'offset table out of bounds');
  });

  it('is refused when there is no object at the top', () => {
    refused(
      withTrailer((list, trailer) => list.writeBigUInt64BE(1n, trailer + 16)),
      'reference out of bounds',
    );
  });

  it('may need references of two bytes, in lists and in dictionaries', () => {
    const names = Array.from({ length: 300 }, (_, index) => `name ${index}`);
    const value = Object.fromEntries(names.map((name, index) => [name, index]));
    expect(parseBinaryPlist(buildBinary(names))).toEqual(names);
    expect(parseBinaryPlist(buildBinary(value))).toEqual(new Map(Object.entries(value)));
  });

  it('holds any number of objects beside each other, and 127 within each other', () => {
    const leaves = Array.from({ length: 200 }, () => bytes('09'));
    const wide = Buffer.concat([bytes('af 10 c8'), Buffer.from(leaves.map((_, index) => index + 1))]);
    expect(parseBinaryPlist(listOf([wide, ...leaves]))).toHaveLength(200);
    const deep = (lists: number): Buffer =>
      listOf([...Array.from({ length: lists }, (_, index) => Buffer.from([0xa1, index + 1])), bytes('09')]);
    expect(parseBinaryPlist(deep(127))).toHaveLength(1);
    refused(deep(128), 'nested too deep');
  });
});
