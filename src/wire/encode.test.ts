import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeBytes, encodeText } from './encode.ts';

/** What a platform does to get the bytes back: `%XX` is a byte, everything else is UTF-8. */
function decode(text: string): Buffer {
  const parts = text.split(/(%[0-9A-F]{2})/);
  return Buffer.concat(
    parts.map((part) =>
      /^%[0-9A-F]{2}$/.test(part) ? Buffer.from(part.slice(1), 'hex') : Buffer.from(part, 'utf8'),
    ),
  );
}

/** A surrogate without its partner as three bytes of generalised UTF-8, everything else as UTF-8. */
function generalisedUtf8(text: string): Buffer {
  const parts = Array.from(text, (char) => {
    const code = char.codePointAt(0) ?? 0;
    return code >= 0xd800 && code <= 0xdfff
      ? Buffer.from([0xe0 | (code >> 12), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f)])
      : Buffer.from(char, 'utf8');
  });
  return Buffer.concat(parts);
}

/** Bytes near the edges of UTF-8, where random bytes alone rarely get. */
const trickyByte = fc.constantFrom(
  ...[0x00, 0x1f, 0x25, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xc3, 0xdf],
  ...[0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff, 0xbb],
);
const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 64 }),
  fc.array(trickyByte, { maxLength: 12 }).map((list) => Uint8Array.from(list)),
  fc.string({ unit: 'binary', maxLength: 32 }).map((text) => Uint8Array.from(Buffer.from(text, 'utf8'))),
);

describe('encodeBytes', () => {
  it('gives the bytes back when it is decoded, whatever they are', () => {
    fc.assert(
      fc.property(bytes, (input) => {
        expect(decode(encodeBytes(input)).equals(input)).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });

  it('gives well-formed text without control characters, whatever the bytes are', () => {
    fc.assert(
      fc.property(bytes, (input) => {
        const text = encodeBytes(input);
        expect(Buffer.from(text, 'utf8').toString('utf8')).toBe(text);
        expect(text).not.toMatch(/\p{Cc}/u);
      }),
    );
  });

  it('escapes as little as it can: a valid character beside an invalid byte stays readable', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.constantFrom(0x80, 0xc0, 0xff), (text, bad) => {
        const around = Buffer.from(text, 'utf8');
        const encoded = encodeBytes(Buffer.concat([around, Buffer.from([bad]), around]));
        expect(encoded).toBe(`${encodeText(text)}%${bad.toString(16).toUpperCase()}${encodeText(text)}`);
      }),
    );
  });

  it.each([
    ['plain text', '2f62696e2f6c73', '/bin/ls'],
    ['nothing', '', ''],
    ['text beyond ASCII', 'c3a4e282acf09f98bb', 'ä€😻'],
    ['Latin-1', '636166e9', 'caf%E9'],
    ['Latin-1 before more text', 'e9702e747874', '%E9p.txt'],
    ['a truncated sequence of two', '61c3', 'a%C3'],
    ['a truncated sequence of three', 'e282', '%E2%82'],
    ['a truncated sequence of four', 'f09f98', '%F0%9F%98'],
    ['an overlong slash', 'c0af', '%C0%AF'],
    ['an overlong NUL in three bytes', 'e08080', '%E0%80%80'],
    ['an overlong character in four bytes', 'f08080af', '%F0%80%80%AF'],
    ['a surrogate in three bytes', 'eda080', '%ED%A0%80'],
    ['the character after the surrogates', 'ee8080', '\ue000'],
    ['the last code point', 'f48fbfbf', '\u{10ffff}'],
    ['a code point above the last', 'f4908080', '%F4%90%80%80'],
    ['a lead byte that UTF-8 does not have', 'f5808080ff', '%F5%80%80%80%FF'],
    ['a lonely continuation byte', '80bf', '%80%BF'],
    ['a byte order mark', 'efbbbf61', '\ufeffa'],
    ['a byte order mark beside an invalid byte', 'efbbbfff', '\ufeff%FF'],
    ['a C1 control character in valid UTF-8', 'c285', '%C2%85'],
    ['a C1 control character beside an invalid byte', 'c285ff', '%C2%85%FF'],
    ['control characters and the escape itself', '00091f7f25', '%00%09%1F%7F%25'],
  ])('writes %s as the protocol says', (_, hex, text) => {
    expect(encodeBytes(Buffer.from(hex, 'hex'))).toBe(text);
  });

  it('writes each of a mebibyte of invalid bytes as three characters', () => {
    const input = Buffer.alloc(1024 * 1024, 0xc3);
    expect(encodeBytes(input)).toHaveLength(3 * input.length);
  });
});

describe('encodeText', () => {
  it('agrees with encodeBytes on the generalised UTF-8 of any string', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.nat(0xffff).map((unit) => String.fromCharCode(unit)) }), (text) => {
        expect(encodeText(text)).toBe(encodeBytes(generalisedUtf8(text)));
      }),
    );
  });

  it.each([
    ['a high surrogate alone', 'a\ud800b', 'a%ED%A0%80b'],
    ['a low surrogate alone', '\udfff', '%ED%BF%BF'],
    ['a pair in the wrong order', '\udc00\ud800', '%ED%B0%80%ED%A0%80'],
    ['a high surrogate before a pair', '\ud800\ud83d\ude3b', '%ED%A0%80😻'],
    ['a low surrogate after a pair', '\ud83d\ude3b\udc00', '😻%ED%B0%80'],
    ['the neighbours of what is escaped', ' $&~\u00a0\ud7ff\ue000', ' $&~\u00a0\ud7ff\ue000'],
    ['the edges of the C1 range', '\u007f\u0080\u009f', '%7F%C2%80%C2%9F'],
    ['the separator of keys', 'a\u001fb', 'a%1Fb'],
    ['an escape sequence of itself', '%25', '%2525'],
  ])('writes %s as the protocol says', (_, text, expected) => {
    expect(encodeText(text)).toBe(expected);
  });
});
