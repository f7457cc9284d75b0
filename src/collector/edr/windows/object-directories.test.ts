import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeObjects, type NamedObject } from './object-directories.ts';

const AT = 0x7fff_0000_1000n;

/** An answer as Windows lays it out: entries, one of zeros, then the texts. */
function answerOf(objects: readonly NamedObject[], at = AT): Buffer {
  const head = Buffer.alloc(32 * (objects.length + 1));
  let end = head.length;
  const texts = objects.flatMap(({ name, type }) => [name, type]).map((text) => Buffer.from(text, 'utf16le'));
  texts.forEach((text, index) => {
    head.writeUInt16LE(text.length, 16 * index);
    head.writeUInt16LE(text.length, 16 * index + 2);
    head.writeBigUInt64LE(at + BigInt(end), 16 * index + 8);
    end += text.length;
  });
  return Buffer.concat([head, ...texts]);
}

const TWO = [
  { name: 'MsWinZonesCacheCounterMutexA', type: 'Mutant' },
  { name: 'na\u00efve \u{1f600}\ud800', type: 'Event' },
];

describe('an answer of a directory of objects', () => {
  it('R201 has names and types, whatever characters they have', () => {
    expect(decodeObjects(answerOf(TWO), AT)).toEqual(TWO);
    expect(decodeObjects(answerOf([]), AT)).toEqual([]);
    expect(decodeObjects(Buffer.alloc(0), AT)).toEqual([]);
  });

  it.each([
    ['before it', AT - 2n],
    ['behind it', AT + 4_096n],
    ['at the end of memory', 0xffff_ffff_ffff_fffen],
  ])('is refused where a name is %s', (_where, pointer) => {
    const answer = answerOf(TWO);
    answer.writeBigUInt64LE(pointer, 8);
    expect(() => decodeObjects(answer, AT)).toThrow('a name that is not in the answer');
  });

  it('is refused where a name ends behind it', () => {
    const answer = answerOf(TWO);
    answer.writeUInt16LE(0xfffe, 32 + 16);
    expect(() => decodeObjects(answer, AT)).toThrow('a name that is not in the answer');
  });

  it('gives back what was laid out, and for other bytes names of these bytes or a refusal', () => {
    const text = fc.string({ unit: 'binary', maxLength: 40 });
    const objects = fc.array(fc.record({ name: text, type: text }), { maxLength: 20 });
    fc.assert(
      fc.property(objects, (given) => {
        expect(decodeObjects(answerOf(given), AT)).toEqual(given);
      }),
    );
    fc.assert(
      fc.property(objects, fc.nat(), fc.uint8Array({ maxLength: 24 }), (given, where, garbage) => {
        const answer = answerOf(given);
        Buffer.from(garbage).copy(answer, where % answer.length);
        try {
          for (const { name } of decodeObjects(answer, AT)) {
            expect(answer.includes(Buffer.from(name, 'utf16le'))).toBe(true);
          }
        } catch (error) {
          expect(error).toMatchObject({ message: 'a name that is not in the answer' });
        }
      }),
    );
  });
});
