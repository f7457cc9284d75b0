import { describe, expect, it } from 'vitest';
import { SteppedTimers } from '../testing/timers.ts';
import { Canary, CANARY_EVERY_MS, CANARY_WAIT_MS } from './canary.ts';

function open(touch: () => void = () => undefined) {
  const timers = new SteppedTimers(1_000);
  const told: string[] = [];
  let touched = 0;
  const canary = new Canary({
    touch: () => {
      touched += 1;
      touch();
    },
    startTimer: timers.start,
    now: timers.now,
    silent: (inARow) => told.push(`silent ${inARow}`),
    heard: () => told.push('heard'),
    log: (_level, message) => told.push(message),
  });
  return { timers, told, canary, touched: () => touched };
}

describe('the canary', () => {
  it('is changed once a minute, and is content with a source that tells of it', () => {
    const { canary, timers, told, touched } = open();
    canary.start();
    timers.pass(20);
    canary.seen();
    expect(canary.seenAt).toBe(1_020);
    timers.pass(CANARY_EVERY_MS - 1);
    expect(touched()).toBe(1);
    timers.pass(1);
    expect(touched()).toBe(2);
    canary.seen();
    canary.seen();
    expect(told).toEqual([]);
  });

  it('counts the changes that a source kept silent about, until it tells of one', () => {
    const { canary, timers, told } = open();
    canary.start();
    timers.pass(CANARY_WAIT_MS - 1);
    expect(told).toEqual([]);
    timers.pass(1);
    timers.pass(CANARY_EVERY_MS + CANARY_WAIT_MS);
    expect(told).toEqual(['silent 1', 'silent 2']);
    timers.pass(CANARY_EVERY_MS);
    canary.seen();
    expect(told).toEqual(['silent 1', 'silent 2', 'heard']);
    timers.pass(CANARY_EVERY_MS + CANARY_WAIT_MS);
    expect(told.at(-1)).toBe('silent 1');
  });

  it('says nothing against a source when it could not change the file', () => {
    const { canary, timers, told, touched } = open(() => {
      throw new Error('ENOSPC');
    });
    canary.start();
    timers.pass(CANARY_EVERY_MS);
    expect(touched()).toBe(2);
    expect(told).toEqual(['canary not changed: ENOSPC', 'canary not changed: ENOSPC']);
  });

  it('is left alone after it was stopped, and begins anew with a start', () => {
    const { canary, timers, told, touched } = open();
    canary.start();
    canary.stop();
    timers.pass(10 * CANARY_EVERY_MS);
    expect(touched()).toBe(1);
    canary.start();
    canary.start();
    expect(touched()).toBe(3);
    timers.pass(CANARY_WAIT_MS);
    expect(told).toEqual(['silent 1']);
  });
});
