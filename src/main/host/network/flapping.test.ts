import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FlapGate } from './flapping.ts';

describe('a network that changes', () => {
  it('is stable while it changes five times within a minute', () => {
    const gate = new FlapGate();
    for (let second = 0; second < 5; second += 1) {
      expect(gate.noteChange(second * 1000)).toBe(false);
      expect(gate.wait(second * 1000)).toBe(0);
      gate.noteReport(second * 1000);
    }
    expect(gate.flapping()).toBeUndefined();
    expect(gate.noteChange(60_000)).toBe(false);
  });

  it('is unstable with the sixth change within a minute, and then reported every 30 s', () => {
    const gate = new FlapGate();
    for (let second = 0; second < 5; second += 1) gate.noteChange(second * 1000);
    gate.noteReport(4_000);
    expect(gate.noteChange(5_000)).toBe(true);
    expect(gate.noteChange(6_000)).toBe(false);
    expect(gate.flapping()).toEqual({ count: 7, seconds: 60, pause: 30 });
    expect(gate.wait(6_000)).toBe(28_000);
    expect(gate.wait(34_000)).toBe(0);
  });

  it('is stable again once only two changes lie within the last minute', () => {
    const gate = new FlapGate();
    for (let second = 0; second < 6; second += 1) gate.noteChange(second * 1000);
    expect(gate.noteTime(62_999)).toBe(false);
    expect(gate.noteTime(63_000)).toBe(true);
    expect(gate.noteTime(63_001)).toBe(false);
    expect(gate.wait(63_001)).toBe(0);
  });

  it('is never reported more than seven times within a minute, however it changes', () => {
    const gaps = fc.array(fc.nat({ max: 20_000 }), { maxLength: 200 });
    fc.assert(
      fc.property(gaps, (waits) => {
        const gate = new FlapGate();
        const reports: number[] = [];
        let now = 0;
        for (const wait of waits) {
          now += wait;
          gate.noteTime(now);
          gate.noteChange(now);
          if (gate.wait(now) > 0) continue;
          gate.noteReport(now);
          reports.push(now);
        }
        for (const [index, at] of reports.entries()) {
          expect(reports.slice(index).filter((other) => other - at < 60_000).length).toBeLessThanOrEqual(7);
        }
      }),
      { numRuns: 300 },
    );
  });
});
