import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../../test/support/random.ts';
import { live } from './testing/simulation.ts';

const time = fc
  .tuple(fc.nat(23), fc.nat(59))
  .map(([hour, minute]) => `${String(hour).padStart(2, '0')}:${String(minute).padStart(2, '0')}`);
const days = fc.uniqueArray(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 5 });
const life = fc.record({
  windows: fc.array(fc.record({ days, start: time, end: time }), { minLength: 1, maxLength: 3 }),
  zones: fc.uniqueArray(
    fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kolkata'),
    { minLength: 1, maxLength: 2 },
  ),
  scanDelayMin: fc.constantFrom(0, 7, 60),
  scanRandomizeMin: fc.constantFrom(0, 1, 45),
  sleeps: fc.boolean(),
  seed: fc.integer(),
});

describe('some days in the life of an agent', () => {
  it('R153 R166 R175 bring no exchange in a blackout and no scan before its time', async () => {
    await fc.assert(
      fc.asyncProperty(life, async ({ windows, zones, scanDelayMin, scanRandomizeMin, sleeps, seed }) => {
        const random = new SeededRandom(seed);
        const lived = await live({
          days: 2,
          profile: { blackoutWindows: windows, scanDelayMin, scanRandomizeMin, statusIntervalSec: 2700 },
          modules: ['AI', 'VM'],
          zones,
          travelsEvery: 1,
          sleeps,
          changes: 3,
          demands: 3,
          losses: 2,
          random: () => random.next(),
        });
        expect(lived.violations).toEqual([]);
        // What the status interval, the random share after a blackout, and a lost attempt may add up to.
        expect(lived.longestSilenceMin).toBeLessThanOrEqual(45 + 46 + 45);
      }),
      { numRuns: 8 },
    );
  }, 60_000);
});
