import { describe, expect, it } from 'vitest';
import { createRetries } from './retries.ts';

const HEAD = {
  id: 1,
  agent: 'a',
  type: 'Vulnerability',
  seq: 1,
  root: '',
  committedAt: 0,
  processedSeq: null,
  processedAt: null,
};

function setUp() {
  const clock = { now: Date.parse('2026-11-20T12:00:00Z') };
  const logged: string[] = [];
  const log = (_: string, message: string): void => void logged.push(message);
  return { clock, logged, retries: createRetries({ now: () => clock.now, log }) };
}

describe('retries of processing', () => {
  it('wait a minute, twice as long after each failure, and at most an hour', () => {
    const { clock, retries } = setUp();
    const pauses: number[] = [];
    for (let n = 0; n < 8; n++) {
      retries.failed(HEAD, 'x');
      expect(retries.isDue(HEAD)).toBe(false);
      const pause = retries.waitMs() ?? 0;
      pauses.push(pause / 1000);
      clock.now += pause - 1;
      expect(retries.isDue(HEAD)).toBe(false);
      clock.now += 1;
      expect(retries.isDue(HEAD)).toBe(true);
    }
    expect(pauses).toEqual([60, 120, 240, 480, 960, 1920, 3600, 3600]);
  });

  it('say the reason once, and again when it becomes another', () => {
    const { logged, retries } = setUp();
    for (const reason of ['one', 'one', 'two', 'two', 'one']) retries.failed(HEAD, reason);
    expect(logged.map((line) => /failed: (\w+);/.exec(line)?.[1])).toEqual(['one', 'two', 'one']);
    expect(logged[0]).toContain('next attempt at 2026-11-20T12:01:00.000Z');
  });

  it('look at a new sequence at once, with the first pause again', () => {
    const { retries } = setUp();
    retries.failed(HEAD, 'x');
    retries.failed(HEAD, 'x');
    const next = { ...HEAD, seq: 2 };
    expect(retries.isDue(next)).toBe(true);
    retries.failed(next, 'x');
    expect(retries.waitMs()).toBe(60_000);
  });

  it('forget what succeeded', () => {
    const { retries } = setUp();
    retries.failed(HEAD, 'x');
    retries.succeeded(HEAD);
    expect([retries.isDue(HEAD), retries.waitMs()]).toEqual([true, undefined]);
  });
});
