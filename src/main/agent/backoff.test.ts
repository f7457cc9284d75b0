import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { noBackoff, provisioningFailed, provisioningPauseMs, startAfresh, uplinkFailed } from './backoff.ts';

describe('the back-off of provisioning', () => {
  it('R094 pauses 60 s, then × 1.5 each time', () => {
    const pauses = [1, 2, 3, 4, 5].map(provisioningPauseMs);
    expect(pauses).toEqual([60_000, 90_000, 135_000, 202_500, 303_750]);
  });

  it('R094 never pauses longer than a day and never gives up', () => {
    expect(provisioningPauseMs(18)).toBe(59_115_675);
    expect(provisioningPauseMs(19)).toBe(86_400_000);
    expect(provisioningPauseMs(100_000)).toBe(86_400_000);
  });

  it('counts failures and says when the next attempt is', () => {
    const once = provisioningFailed(noBackoff, 1_000);
    expect(once).toEqual({ failures: 1, nextAt: 61_000 });
    expect(provisioningFailed(once, 61_000)).toEqual({ failures: 2, nextAt: 151_000 });
  });

  it('never undercuts what the platform asked for, nor lets it shorten the pause', () => {
    expect(provisioningFailed(noBackoff, 0, 600_000).nextAt).toBe(600_000);
    expect(provisioningFailed(noBackoff, 0, 5_000).nextAt).toBe(60_000);
  });
});

describe('the back-off of the uplink', () => {
  const pause = (failures: number, random: number, capMs = 900_000, retryAfterMs?: number): number =>
    uplinkFailed({ failures: failures - 1, nextAt: 0 }, 0, random, capMs, retryAfterMs).nextAt;

  it('doubles from 5 s, one half of it random', () => {
    expect([1, 2, 3, 4].map((n) => pause(n, 0))).toEqual([2_500, 5_000, 10_000, 20_000]);
    expect([1, 2, 3, 4].map((n) => pause(n, 1))).toEqual([5_000, 10_000, 20_000, 40_000]);
  });

  it('keeps to the cap however often it failed', () => {
    expect(pause(8, 1)).toBe(640_000);
    expect(pause(9, 1)).toBe(900_000);
    expect(pause(31, 1, Number.MAX_SAFE_INTEGER)).toBe(5_000 * 2 ** 30);
    expect(pause(5_000, 1, Number.MAX_SAFE_INTEGER)).toBe(5_000 * 2 ** 30);
  });

  it('counts from now and from the failures before', () => {
    expect(uplinkFailed({ failures: 2, nextAt: 7 }, 100, 0, 900_000)).toEqual({
      failures: 3,
      nextAt: 10_100,
    });
  });

  it('never comes earlier than Retry-After, nor than half the pause, nor later than the greater of both', () => {
    fc.assert(
      fc.property(
        fc.nat(100),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.integer({ min: 100, max: 3_600_000 }),
        fc.nat(86_400_000),
        (failures, random, capMs, retryAfterMs) => {
          const full = Math.min(capMs, 5_000 * 2 ** Math.min(failures, 30));
          const at = pause(failures + 1, random, capMs, retryAfterMs);
          expect(at).toBeGreaterThanOrEqual(Math.max(full / 2, retryAfterMs));
          expect(at).toBeLessThanOrEqual(Math.max(Math.ceil(full), retryAfterMs));
          expect(at).toBe(Math.floor(at));
        },
      ),
    );
  });
});

describe('a back-off on another network', () => {
  it('ends where only the network had failed', () => {
    const failed = uplinkFailed({ failures: 8, nextAt: 0 }, 1_000, 1, 900_000);
    expect(startAfresh(failed)).toEqual({ failures: 1, nextAt: 0 });
  });

  it('stays as long as a platform that answered asked for', () => {
    const busy = uplinkFailed({ failures: 8, nextAt: 0 }, 1_000, 1, 900_000, 30_000);
    expect(busy).toEqual({ failures: 9, nextAt: 901_000, heldUntil: 31_000 });
    expect(startAfresh(busy)).toEqual({ failures: 1, nextAt: 31_000, heldUntil: 31_000 });
    const refused = { failures: 3, nextAt: 5_000, heldUntil: 5_000 };
    expect(startAfresh(refused)).toBe(refused);
  });

  it('is none where nothing failed', () => {
    expect(startAfresh(noBackoff)).toBe(noBackoff);
  });
});
