import { describe, expect, it } from 'vitest';
import type { StartTimer } from './debounce.ts';
import { Hold } from './hold.ts';

/** A hold whose clock and timers a test moves; `rests` are the answers to the looks, in order. */
function holding(...rests: (number | undefined)[]) {
  let now = 0;
  let next: { at: number; fire: () => void } | undefined;
  const signals: string[] = [];
  const startTimer: StartTimer = (ms, fire) => {
    next = { at: now + ms, fire };
    return () => (next = undefined);
  };
  const hold = new Hold({
    rest: () => rests.shift(),
    signal: (signal) => signals.push(`${String(now)} ${signal}`),
    startTimer,
    now: () => now,
  });
  const pass = (ms: number): void => {
    const end = now + ms;
    while (next !== undefined && next.at <= end) {
      const { at, fire } = next;
      now = at;
      next = undefined;
      fire();
    }
    now = end;
  };
  return { hold, pass, signals, armed: () => next !== undefined };
}

describe('a command under a budget', () => {
  it('R146 R148 is stopped for as long as the budget demands, and goes on after it', () => {
    const { hold, pass, signals } = holding(undefined, 0, 380);
    pass(1_000);
    expect(signals).toEqual(['60 SIGSTOP', '440 SIGCONT']);
    expect(hold.heldMs()).toBe(380);
  });

  it('is not left stopped when it is over, and not looked at any more', () => {
    const { hold, pass, signals, armed } = holding(1_000);
    pass(100);
    expect(hold.heldMs()).toBe(80);
    hold.end();
    expect(signals).toEqual(['20 SIGSTOP', '100 SIGCONT']);
    expect(armed()).toBe(false);
    hold.end();
    expect(signals).toHaveLength(2);
    expect(hold.heldMs()).toBe(80);
  });
});
