import { describe, expect, it } from 'vitest';
import { contentDigest, digestMatches } from './digest.ts';

const EMPTY = 'sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:';
const HELLO = Buffer.from('{"hello": "world"}');
/** RFC 9530, appendix D: the sha-256 of this body. */
const HELLO_DIGEST = 'sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:';

describe('Content-Digest', () => {
  it('is a structured field with the SHA-256 of the body', () => {
    expect(contentDigest(HELLO)).toBe(HELLO_DIGEST);
  });

  it('covers an empty body too', () => {
    expect(contentDigest(new Uint8Array())).toBe(EMPTY);
    expect(digestMatches(EMPTY, new Uint8Array())).toBe(true);
  });

  it('accepts exactly the digest of this body', () => {
    expect(digestMatches(HELLO_DIGEST, HELLO)).toBe(true);
  });

  it.each([
    ['that is absent', undefined],
    ['that is empty', ''],
    ['of another body', EMPTY],
    ['with one character changed', HELLO_DIGEST.replace('X', 'Y')],
    ['under another algorithm', HELLO_DIGEST.replace('sha-256', 'sha-512')],
    ['with more after it', `${HELLO_DIGEST}, ${HELLO_DIGEST}`],
    ['without its end', HELLO_DIGEST.slice(0, -1)],
  ])('refuses a field %s', (_, field) => {
    expect(digestMatches(field, HELLO)).toBe(false);
  });
});
