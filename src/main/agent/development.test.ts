import { describe, expect, it } from 'vitest';
import { developmentIntervals } from './development.ts';
import { firstMissing } from './upload-progress.ts';

/** The switch as documented; the constant that names it is under test as well. */
const SWITCH = 'WAYFARER_DEV_INTERVALS';
const read = (text?: string) => developmentIntervals(text === undefined ? {} : { [SWITCH]: text });

describe('the development switch', () => {
  it('shortens the intervals that it names, and none without it', () => {
    expect(read()).toEqual({});
    expect(read('')).toEqual({});
    expect(read('statusIntervalSec=5,retrySec=0.2')).toEqual({ statusIntervalSec: 5, retrySec: 0.2 });
  });

  it.each([
    ['statusIntervalSec=0', 'statusIntervalSec'],
    ['statusIntervalSec=2701', 'statusIntervalSec'],
    ['deltaUploadIntervalSec=-1', 'deltaUploadIntervalSec'],
    ['deltaUploadIntervalSec=1801', 'deltaUploadIntervalSec'],
    ['changeGapSec=-1', 'changeGapSec'],
    ['changeGapSec=3601', 'changeGapSec'],
    ['changeGapSec=x', 'changeGapSec'],
    ['retrySec=0', 'retrySec'],
    ['retrySec=3601', 'retrySec'],
    ['retrySec', 'retrySec'],
    ['deltaUploadIntervalSec=', 'deltaUploadIntervalSec'],
    ['statusIntervalSec=5,fast=1', '"fast"'],
    ['=5', '""'],
  ])('refuses what it does not know or allow, and names it: %s', (text, named) => {
    expect(() => read(text)).toThrow(`${SWITCH}: `);
    expect(() => read(text)).toThrow(named);
  });

  it('says where and what is wrong', () => {
    expect(() => read('retrySec=9999')).toThrow(/^WAYFARER_DEV_INTERVALS: retrySec \S+/);
  });

  it('takes every interval up to its bounds', () => {
    const lowest = {
      statusIntervalSec: 0.1,
      deltaUploadIntervalSec: 0,
      changeGapSec: 0,
      retrySec: 0.05,
      samplesApartSec: 0.1,
    };
    const highest = {
      statusIntervalSec: 2700,
      deltaUploadIntervalSec: 1800,
      changeGapSec: 3600,
      retrySec: 3600,
      samplesApartSec: 10,
    };
    for (const intervals of [lowest, highest]) {
      const text = Object.entries(intervals).map(([name, sec]) => `${name}=${String(sec)}`);
      expect(read(text.join(','))).toEqual(intervals);
    }
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
