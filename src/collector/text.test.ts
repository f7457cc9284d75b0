import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeBytes } from '../wire/encode.ts';
import { joinKey } from './key.ts';
import { decodeHostText, encodeHostText, hostPathBytes } from './text.ts';

const Bytes = fc.oneof(
  fc.uint8Array({ maxLength: 64 }),
  fc.string({ unit: 'binary', maxLength: 32 }).map((text) => new Uint8Array(Buffer.from(text))),
);

describe('text of the host', () => {
  it('is encoded as its bytes are, valid UTF-8 or not', () => {
    fc.assert(
      fc.property(Bytes, (bytes) => {
        expect(encodeHostText(decodeHostText(bytes), 'linux')).toBe(encodeBytes(bytes));
      }),
    );
  });

  it('leads back to the same bytes as a path', () => {
    fc.assert(
      fc.property(Bytes, (bytes) => {
        expect(Buffer.from(hostPathBytes(decodeHostText(bytes)))).toEqual(Buffer.from(bytes));
      }),
    );
  });

  it('keeps a lone surrogate of a Windows name as its three bytes', () => {
    expect(encodeHostText('a\udc80b', 'win32')).toBe('a%ED%B2%80b');
    expect(encodeHostText('a\udc80b', 'linux')).toBe('a%80b');
  });
});

describe('joinKey', () => {
  it('gives different keys for different parts', () => {
    const Part = fc.option(fc.string({ unit: fc.constantFrom('a', '|', '\\', '0'), maxLength: 4 }));
    const Parts = fc.array(Part, { minLength: 2, maxLength: 2 });
    fc.assert(
      fc.property(Parts, Parts, (a, b) => {
        fc.pre(JSON.stringify(a) !== JSON.stringify(b));
        expect(joinKey(...a)).not.toBe(joinKey(...b));
      }),
    );
  });
});
