import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemClock, toInstant } from './clock.ts';

const START = Date.parse('2026-11-20T12:00:00Z');
const HOUR = 3_600_000;

describe('the wall clock', () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: START });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('calls back once, when the moment is there and not before', () => {
    const call = vi.fn();
    systemClock.at(START + HOUR, call);
    vi.advanceTimersByTime(HOUR - 1);
    expect(call).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(call).toHaveBeenCalledTimes(1);
    vi.advanceTimersByTime(HOUR);
    expect(call).toHaveBeenCalledTimes(1);
  });

  it('calls back soon for a moment that has passed, never inside the call', () => {
    const call = vi.fn();
    systemClock.at(START - HOUR, call);
    expect(call).not.toHaveBeenCalled();
    vi.advanceTimersByTime(0);
    expect(call).toHaveBeenCalledTimes(1);
  });

  it('is cancelled for good, also after it was armed anew', () => {
    const call = vi.fn();
    const cancel = systemClock.at(START + HOUR, call);
    vi.advanceTimersByTime(HOUR / 2);
    cancel();
    vi.advanceTimersByTime(2 * HOUR);
    expect(call).not.toHaveBeenCalled();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('sees within half a minute what fell due while the machine slept and timers stood still', () => {
    const call = vi.fn();
    systemClock.at(START + 8 * HOUR, call);
    vi.setSystemTime(START + 9 * HOUR);
    vi.advanceTimersByTime(30_000);
    expect(call).toHaveBeenCalledTimes(1);
  });

  it('lets its caller think again when the clock is set back, instead of waiting for hours', () => {
    const call = vi.fn();
    systemClock.at(START + 20_000, call);
    vi.setSystemTime(START - HOUR);
    vi.advanceTimersByTime(30_000);
    expect(call).toHaveBeenCalledTimes(1);
  });

  it('reaches moments beyond the longest timer that Node takes', () => {
    const call = vi.fn();
    systemClock.at(START + 2 ** 31 + 5, call);
    vi.advanceTimersByTime(HOUR);
    expect(call).not.toHaveBeenCalled();
    vi.setSystemTime(START + 2 ** 31 + 5);
    vi.advanceTimersByTime(30_000);
    expect(call).toHaveBeenCalledTimes(1);
  });

  it('says instants in UTC', () => {
    expect(toInstant(START + 7)).toBe('2026-11-20T12:00:00.007Z');
  });
});
