import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BoundedLines } from './bounded-lines.ts';

function cut(chunks: readonly Buffer[], maxBytes: number) {
  const lines: string[] = [];
  let tooLong = 0;
  const bounded = new BoundedLines(
    maxBytes,
    (line) => lines.push(line.toString('utf8')),
    () => (tooLong += 1),
  );
  for (const chunk of chunks) bounded.add(chunk);
  return { lines, tooLong };
}

describe('lines of a stream', () => {
  it('are the same however the stream is cut', () => {
    const text = fc.array(fc.constantFrom('a', 'bb', '\n', '\u00e9', ''), { maxLength: 60 });
    fc.assert(
      fc.property(text, fc.array(fc.nat(20)), (parts, sizes) => {
        const bytes = Buffer.from(parts.join(''));
        const chunks: Buffer[] = [];
        let at = 0;
        for (const size of sizes) {
          chunks.push(bytes.subarray(at, at + size));
          at += size;
        }
        chunks.push(bytes.subarray(at));
        expect(cut(chunks, 1_000).lines).toEqual(parts.join('').split('\n').slice(0, -1));
      }),
    );
  });

  it('are dropped when they are longer than the bound, the one after is not', () => {
    const chunks = ['abc\nabcd', 'e\nab', 'c\n', 'abcd\n\n'].map((text) => Buffer.from(text));
    expect(cut(chunks, 3)).toEqual({ lines: ['abc', 'abc', ''], tooLong: 2 });
  });

  it('of 100 MB take no more memory than the bound', () => {
    const chunk = Buffer.alloc(1024 * 1024, 'x');
    const before = process.memoryUsage().arrayBuffers;
    const { lines, tooLong } = cut(
      [...Array.from({ length: 100 }, () => chunk), Buffer.from('\nok\n')],
      8 * 1024 * 1024,
    );
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(32 * 1024 * 1024);
    expect({ lines, tooLong }).toEqual({ lines: ['ok'], tooLong: 1 });
  });
});
