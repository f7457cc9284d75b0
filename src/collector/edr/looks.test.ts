import { describe, expect, it } from 'vitest';
import { SteppedTimers } from '../testing/timers.ts';
import { Looks } from './looks.ts';

function looks(leastMs: number) {
  const timers = new SteppedTimers(1_000_000);
  const at: number[] = [];
  const clock = { skew: 0 };
  const made = new Looks({
    look: () => void at.push(timers.now() - 1_000_000),
    startTimer: timers.start,
    now: () => timers.now() + clock.skew,
    ...{ afterStartMs: 3_000, leastMs, mostMs: () => 15_000 },
  });
  return { made, timers, at, clock };
}

describe('looks at what no event tells of', () => {
  it('R201 come at once, now and then, and some time after a start; more starts do not put it off', () => {
    const { made, timers, at } = looks(0);
    made.begin();
    made.begin();
    timers.pass(16_000);
    made.started();
    timers.pass(2_000);
    made.started();
    timers.pass(16_000);
    expect(at).toEqual([0, 15_000, 19_000, 34_000]);
  });

  it('are never closer to each other than allowed, however much starts', () => {
    const { made, timers, at } = looks(10_000);
    made.begin();
    for (let second = 0; second < 40; second += 1) {
      made.started();
      timers.pass(1_000);
    }
    expect(at).toEqual([0, 10_000, 20_000, 30_000, 40_000]);
  });

  it('come in time where the clock was set back', () => {
    const { made, timers, at, clock } = looks(10_000);
    made.begin();
    clock.skew = -3_600_000;
    made.started();
    timers.pass(15_000);
    expect(at).toEqual([0, 15_000]);
  });

  it('end, and no start brings them back', () => {
    const { made, timers, at } = looks(0);
    made.started();
    made.begin();
    made.end();
    made.started();
    timers.pass(60_000);
    expect(at).toEqual([0]);
  });
});
