import { createHash } from 'node:crypto';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeBody, SEGMENT_BYTES } from './body-encoder.ts';

async function encoded(lines: readonly string[], encoding: 'gzip' | 'zstd' = 'zstd') {
  const segments: Buffer[] = [];
  const result = await encodeBody(lines, encoding, (n, segment) => {
    expect(n).toBe(segments.length);
    segments.push(Buffer.from(segment));
  });
  const body = Buffer.concat(segments);
  return { ...result, body, sizes: segments.map((segment) => segment.length) };
}

/** Size of the content by the header of a zstd frame (RFC 8878, 3.1.1.1): whether the frame names it. */
const namesItsSize = (frame: Buffer): boolean => ((frame[4] ?? 0) & 0b1110_0000) !== 0;

describe('an encoded body', () => {
  it('gives the lines back, with sizes and digest of what is sent', async () => {
    const long = fc.tuple(fc.string({ minLength: 1 }), fc.integer({ min: 30_000, max: 70_000 }));
    const line = fc.oneof(
      fc.string(),
      long.map(([text, length]) => text.repeat(Math.ceil(length / text.length))),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(line, { maxLength: 5 }),
        fc.constantFrom('gzip', 'zstd' as const),
        async (lines, encoding) => {
          const { body, rawBytes, encodedBytes, digest } = await encoded(lines, encoding);
          const text = encoding === 'gzip' ? gunzipSync(body) : zstdDecompressSync(body);
          expect(text).toEqual(Buffer.from(lines.join('')));
          expect([rawBytes, encodedBytes]).toEqual([text.length, body.length]);
          expect(digest).toBe(createHash('sha256').update(body).digest('hex'));
        },
      ),
    );
  });

  it('of one block tells zstd its size first, which then takes no more memory than that', async () => {
    expect(namesItsSize((await encoded(['a row\n'])).body)).toBe(true);
    expect(namesItsSize((await encoded([])).body)).toBe(true);
    expect(namesItsSize((await encoded(Array.from({ length: 3 }, () => 'x'.repeat(70_000)))).body)).toBe(
      false,
    );
  });

  it('is cut into segments of one size, but for the last', async () => {
    const noise = Array.from({ length: 4_000 }, (_, n) =>
      createHash('sha512').update(String(n)).digest('base64'),
    );
    const { sizes } = await encoded(noise);
    expect(sizes.length).toBeGreaterThan(2);
    expect(new Set(sizes.slice(0, -1))).toEqual(new Set([SEGMENT_BYTES]));
    expect(sizes.at(-1)).toBeLessThanOrEqual(SEGMENT_BYTES);
  });
});
