import { describe, expect, it } from 'vitest';
import { DEVELOPMENT_SWITCH, developmentIntervals } from './development.ts';
import { firstMissing } from './upload-progress.ts';

const read = (text?: string) =>
  developmentIntervals(text === undefined ? {} : { [DEVELOPMENT_SWITCH]: text });

describe('the development switch', () => {
  it('shortens the intervals that it names, and none without it', () => {
    expect(read()).toEqual({});
    expect(read('')).toEqual({});
    expect(read('statusIntervalSec=5,retrySec=0.2')).toEqual({ statusIntervalSec: 5, retrySec: 0.2 });
  });

  it.each([
    'statusIntervalSec=0',
    'deltaUploadIntervalSec=1801',
    'changeGapSec=x',
    'retrySec',
    'deltaUploadIntervalSec=',
    'fast=1',
  ])('refuses what it does not know or allow: %s', (text) => {
    expect(() => read(text)).toThrow(DEVELOPMENT_SWITCH);
  });
});

describe('the first missing chunk', () => {
  it('is the lowest that the platform does not hold, none when it holds all', () => {
    expect(firstMissing(new Set(), 3)).toBe(0);
    expect(firstMissing(new Set([0, 2]), 3)).toBe(1);
    expect(firstMissing(new Set([0, 1, 2]), 3)).toBeUndefined();
    expect(firstMissing(new Set([7]), 0)).toBeUndefined();
  });
});
