import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { SleepClock } from './sleep-clock.ts';
import { FakeTime } from './testing/fake-time.ts';
import { Waking } from './waking.ts';

const HOUR = 3_600_000;

function clocks(): { time: FakeTime; sleep: SleepClock } {
  const time = new FakeTime();
  return { time, sleep: new SleepClock({ wall: time.clock.now, monotonic: time.monotonic }) };
}

describe('sleep that only the clocks tell of', () => {
  it('is noticed when wall time went on and the monotonic clock stood still', () => {
    const { time, sleep } = clocks();
    time.sleep(HOUR);
    expect(sleep.check(15_000)).toBe(true);
    expect(sleep.check(15_000)).toBe(false);
  });

  it('is noticed when both clocks went on and the process did not', () => {
    const { time, sleep } = clocks();
    time.sleep(HOUR);
    time.run(HOUR);
    expect(sleep.check(15_000)).toBe(true);
  });

  it('is not seen in half a minute of delay, nor in a clock that is set back', () => {
    const { time, sleep } = clocks();
    time.sleep(45_000);
    time.run(45_000);
    expect(sleep.check(15_000)).toBe(false);
    time.sleep(-10 * HOUR);
    time.run(15_000);
    expect(sleep.check(15_000)).toBe(false);
  });

  it('is noticed exactly when more than 30 s are missing', () => {
    const ms = fc.integer({ min: 0, max: 120_000 });
    fc.assert(
      fc.property(ms, (missing) => {
        const { time, sleep } = clocks();
        time.sleep(15_000 + missing);
        time.run(15_000);
        expect(sleep.check(15_000)).toBe(missing > 30_000);
      }),
    );
  });
});

describe('waking', () => {
  function rig(): { time: FakeTime; waking: Waking; told: string[] } {
    const time = new FakeTime();
    const told: string[] = [];
    const listener = { suspending: () => told.push('suspending'), resumed: () => told.push('resumed') };
    const waking = new Waking({ wall: time.clock.now, monotonic: time.monotonic }, listener);
    return { time, waking, told };
  }

  it('is reported once when logind tells first and the clocks afterwards', () => {
    const { time, waking, told } = rig();
    waking.suspending();
    time.sleep(HOUR);
    waking.woke();
    waking.tick(15_000);
    expect(told).toEqual(['suspending', 'resumed']);
  });

  it('is reported once when the clocks tell first and logind afterwards', () => {
    const { time, waking, told } = rig();
    waking.suspending();
    time.sleep(HOUR);
    waking.tick(15_000);
    time.run(5_000);
    waking.woke();
    expect(told).toEqual(['suspending', 'resumed']);
  });

  it('is reported for each of two short sleeps that logind announced', () => {
    const { time, waking, told } = rig();
    for (let i = 0; i < 2; i += 1) {
      waking.suspending();
      time.sleep(5_000);
      waking.woke();
    }
    expect(told).toEqual(['suspending', 'resumed', 'suspending', 'resumed']);
  });

  it('is reported for each of two sleeps that only the clocks tell of', () => {
    const { time, waking, told } = rig();
    for (let i = 0; i < 2; i += 1) {
      time.sleep(HOUR);
      time.run(5_000);
      waking.tick(15_000);
    }
    expect(told).toEqual(['resumed', 'resumed']);
  });

  it('is reported by logind alone once the last word of the clocks is 30 s old', () => {
    const { time, waking, told } = rig();
    time.sleep(HOUR);
    waking.tick(15_000);
    time.run(29_999);
    waking.woke();
    expect(told).toEqual(['resumed']);
    time.run(1);
    waking.woke();
    expect(told).toEqual(['resumed', 'resumed']);
  });

  it('is reported when the agent came too late to hear the announcement', () => {
    const listener = { suspending: vi.fn(), resumed: vi.fn() };
    new Waking({ wall: () => 0, monotonic: () => 0 }, listener).woke();
    expect(listener.resumed).toHaveBeenCalledTimes(1);
  });
});
