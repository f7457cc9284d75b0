import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Pacer } from './pacer.ts';

/** Runs bodies through and notes when how much had left; the clock moves only by sleeping. */
async function leave(
  bodies: readonly Uint8Array[],
  kbps: number,
  pauseMs = 0,
): Promise<{ at: number; sent: number }[]> {
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
  const pacer = new Pacer(clock);
  for (const bytes of bodies) {
    for await (const part of pacer.slices(bytes, kbps)) {
      parts.push(part);
      seen.push({ at: now - 5_000, sent: parts.reduce((sum, one) => sum + one.length, 0) });
    }
    now += pauseMs;
  }
  expect(Buffer.concat(parts).equals(Buffer.concat(bodies))).toBe(true);
  return seen;
}

describe('a paced body', () => {
  it('R145 takes 4 s for a chunk of 1024 KB at 256 KB/s', async () => {
    const seen = await leave([new Uint8Array(1024 * 1024)], 256);
    expect(seen.at(-1)?.at).toBeGreaterThanOrEqual(3_900);
    expect(seen.at(-1)?.at).toBeLessThanOrEqual(4_000);
    expect(seen[0]?.at).toBe(0);
  });

  it('R145 waits until the body before has used up its time: many small ones are no way round', async () => {
    const seen = await leave(
      Array.from({ length: 40 }, () => new Uint8Array(25_600)),
      256,
    );
    expect(seen.at(-1)).toEqual({ at: expect.closeTo(3_809, 0) as number, sent: 1_024_000 });
  });

  it('saves nothing up while nothing leaves', async () => {
    const second = new Uint8Array(256 * 1024);
    const seen = await leave([second, second], 256, 60_000);
    expect(seen.at(-1)?.at).toBeGreaterThan(61_700);
  });

  it('R145 never has more sent than the rate and one slice allow, at any sizes and rate', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 200_000 }), { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 1, max: 100_000 }),
        async (sizes, kbps) => {
          const slice = (kbps * 1024) / 10;
          for (const { at, sent } of await leave(
            sizes.map((size) => new Uint8Array(size)),
            kbps,
          )) {
            expect(sent).toBeLessThanOrEqual((at * kbps * 1024) / 1000 + slice + 1);
          }
        },
      ),
      { numRuns: 50 },
    );
  });
});
