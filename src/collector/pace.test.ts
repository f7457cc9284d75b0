import { describe, expect, it } from 'vitest';
import { shareOfThrottle } from '../shared/profile.ts';
import { budgetOf, Pacer } from './pace.ts';

/** Works `slices` of `workMs` CPU each with a breath between; returns the sleeps. */
async function sleepsOf(
  pacer: (clock: ConstructorParameters<typeof Pacer>[1]) => Pacer,
  slices: number[],
  lateMs = 0,
): Promise<number[]> {
  let cpu = 500;
  let now = 0;
  const sleeps: number[] = [];
  const paced = pacer({
    cpuMs: () => cpu,
    now: () => now,
    sleep: (ms) => {
      sleeps.push(ms);
      now += ms + lateMs;
      return Promise.resolve();
    },
  });
  for (const slice of slices) {
    cpu += slice;
    now += slice;
    await paced.breathe();
  }
  return sleeps;
}

const throttled = (cpuThrottleMs: number) => budgetOf({ cpuLimitPct: 2, cpuThrottleMs }, 'linux');
const limited = (cpuLimitPct: number) => budgetOf({ cpuLimitPct, cpuThrottleMs: 1000 }, 'win32');

describe('the CPU budget', () => {
  it('R149 takes the share of a throttle from its three steps', () => {
    expect([0, 1, 10, 11, 20, 21, 1000].map(shareOfThrottle)).toEqual([100, 20, 20, 10, 10, 5, 5]);
  });

  it('sleeps the throttle itself after a slice of t·p/(100−p) ms', async () => {
    const { quantumMs } = throttled(20);
    expect(quantumMs).toBeCloseTo(20 / 9);
    const sleeps = await sleepsOf((clock) => new Pacer(throttled(20), clock), [quantumMs, 1, quantumMs - 1]);
    expect(sleeps).toHaveLength(2);
    for (const ms of sleeps) expect(ms).toBeCloseTo(20);
  });

  it('pays a long slice back in full', async () => {
    expect(await sleepsOf((clock) => new Pacer(throttled(10), clock), [100])).toEqual([400]);
    expect(await sleepsOf((clock) => new Pacer(limited(5), clock), [20])).toEqual([380]);
  });

  it('R147 sleeps w·(100/p − 1) ms under a CPU limit, which is of one core, and not before the slice is used up', async () => {
    expect(await sleepsOf((clock) => new Pacer(limited(50), clock), [4, 4, 4, 30])).toEqual([12, 30]);
  });

  it('only gives the event loop a turn where nothing limits it', async () => {
    expect(await sleepsOf((clock) => new Pacer(throttled(0), clock), [19, 1, 50])).toEqual([0, 0]);
    expect(limited(100).sleepPerWork).toBe(0);
  });

  it('R146 R148 takes a sleep that came out too long off the next one, but never more than it can catch up', async () => {
    const slices = [10, 10, 10];
    expect(await sleepsOf((clock) => new Pacer(limited(50), clock), slices, 4)).toEqual([10, 6, 6]);
    expect(await sleepsOf((clock) => new Pacer(limited(50), clock), [...slices, 300], 1_000)).toEqual([
      10, 0, 0, 200,
    ]);
  });

  it('has a breath wait for work that somebody else entered', async () => {
    let cpu = 0;
    const sleeps: number[] = [];
    const sleep = (ms: number) => {
      sleeps.push(ms);
      return Promise.resolve();
    };
    const pacer = new Pacer(limited(5), { cpuMs: () => cpu, now: () => cpu, sleep });
    cpu = 20;
    expect(pacer.rest()).toBe(380);
    await pacer.breathe();
    expect(sleeps).toEqual([380]);
  });
});
