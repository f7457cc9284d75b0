import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pacedBody } from './paced-body.ts';

/** Runs a body through and notes when how much had left; the clock moves only by sleeping. */
async function leave(bytes: Uint8Array, kbps: number): Promise<{ at: number; sent: number }[]> {
  let now = 5_000;
  const clock = {
    now: () => now,
    sleep: (ms: number) => {
      now += ms;
      return Promise.resolve();
    },
  };
  const seen: { at: number; sent: number }[] = [];
  const parts: Uint8Array[] = [];
  for await (const part of pacedBody(bytes, kbps, clock)) {
    parts.push(part);
    seen.push({ at: now - 5_000, sent: parts.reduce((sum, one) => sum + one.length, 0) });
  }
  expect(Buffer.concat(parts).equals(bytes)).toBe(true);
  return seen;
}

describe('a paced body', () => {
  it('R145 takes 4 s for a chunk of 1024 KB at 256 KB/s', async () => {
    const seen = await leave(new Uint8Array(1024 * 1024), 256);
    expect(seen.at(-1)?.at).toBeGreaterThanOrEqual(3_900);
    expect(seen.at(-1)?.at).toBeLessThanOrEqual(4_000);
    expect(seen[0]?.at).toBe(0);
  });

  it('R145 never has more sent than the rate and one slice allow, at any size and rate', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 200_000 }),
        fc.integer({ min: 1, max: 100_000 }),
        async (size, kbps) => {
          const slice = (kbps * 1024) / 10;
          for (const { at, sent } of await leave(new Uint8Array(size), kbps)) {
            expect(sent).toBeLessThanOrEqual((at * kbps * 1024) / 1000 + slice + 1);
          }
        },
      ),
      { numRuns: 50 },
    );
  });
});
