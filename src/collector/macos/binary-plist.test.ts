import fc from 'fast-check';
import { buildBinary } from 'plist';
import { describe, expect, it } from 'vitest';
import { parseBinaryPlist, PlistError, type PlistValue } from './binary-plist.ts';
import { listOf } from './testing/plist-bytes.ts';

describe('a binary property list', () => {
  it('is read as the library writes it', () => {
    const value = {
      text: 'Größe',
      flag: true,
      number: 300,
      real: 1.5,
      list: ['a', { b: false }],
      data: new Uint8Array([1, 2]),
    };
    const parsed = parseBinaryPlist(buildBinary(value)) as ReadonlyMap<string, PlistValue>;
    expect([...parsed.keys()]).toEqual(['text', 'flag', 'number', 'real', 'list', 'data']);
    expect(parsed.get('text')).toBe('Größe');
    expect(parsed.get('number')).toBe(300);
    expect(parsed.get('real')).toBe(1.5);
    expect(parsed.get('list')).toEqual(['a', new Map([['b', false]])]);
    expect(parsed.get('data')).toEqual(new Uint8Array([1, 2]));
  });

  it('may name a key __proto__ without harm', () => {
    const key = Buffer.concat([Buffer.from([0x59]), Buffer.from('__proto__')]);
    const parsed = parseBinaryPlist(listOf([Buffer.from([0xd1, 1, 2]), key, Buffer.from([0xd0])]));
    expect(parsed).toEqual(new Map([['__proto__', new Map()]]));
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it('is refused when it holds itself', () => {
    expect(() => parseBinaryPlist(listOf([Buffer.from([0xa1, 0])]))).toThrow(
      new PlistError('the list holds itself'),
    );
  });

  it('costs no more than its size when every list holds the next one twice', () => {
    const lists = Array.from({ length: 100 }, (_, index) => Buffer.from([0xa2, index + 1, index + 1]));
    const parsed = parseBinaryPlist(listOf([...lists, Buffer.from([0x09])])) as readonly PlistValue[];
    expect(parsed[0]).toBe(parsed[1]);
  });

  it('is refused when many objects stand for the same bytes', () => {
    const text = Buffer.concat([Buffer.from([0x5f, 0x11, 0x10, 0x00]), Buffer.alloc(4096, 0x61)]);
    const refs = Buffer.concat([
      Buffer.from([0xaf, 0x10, 200]),
      Buffer.from(Array.from({ length: 200 }, (_, i) => i + 1)),
    ]);
    const offsets = [8, ...Array.from({ length: 200 }, () => 8 + refs.length)];
    expect(() => parseBinaryPlist(listOf([refs, text], offsets))).toThrow(new PlistError('objects overlap'));
  });

  it('is refused below a depth of 128', () => {
    const deep = Array.from({ length: 200 }, (_, index) => Buffer.from([0xa1, index + 1]));
    expect(() => parseBinaryPlist(listOf([...deep, Buffer.from([0x09])]))).toThrow(
      new PlistError('nested too deep'),
    );
  });

  it('is refused when references have no size, however many there are said to be', () => {
    const bytes = listOf([Buffer.from([0xaf, 0x13, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])]);
    bytes.writeUInt8(0, bytes.length - 32 + 7);
    expect(() => parseBinaryPlist(bytes)).toThrow(PlistError);
  });

  it('never fails in another way, whatever bytes are flipped', () => {
    const sound = buildBinary({ a: [1, 'two', { three: 3.5 }], b: new Date(0), c: new Uint8Array([1]) });
    const flips = fc.array(fc.tuple(fc.nat(sound.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(flips, (changes) => {
        const bytes = Buffer.from(sound);
        for (const [at, value] of changes) bytes[at] = value;
        try {
          parseBinaryPlist(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(PlistError);
        }
      }),
      { numRuns: 500 },
    );
  });
});
