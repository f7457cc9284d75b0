import { describe, expect, it } from 'vitest';
import { defaultProfile } from '../../shared/profile.ts';
import { chunkBytesOf, deltaIntervalSec, pendingFacts } from './upload-progress.ts';
import { NOW, restingFacts } from './testing/facts.ts';

const chunk = (chunkSizeKb: number, networkThrottleTxKbps: number): number =>
  chunkBytesOf({ ...defaultProfile(), chunkSizeKb, networkThrottleTxKbps });

describe('the size of a chunk', () => {
  it('R143 is the chunk size of the profile', () => {
    expect(chunk(1024, 0)).toBe(1024 * 1024);
    expect(chunk(10_240, 0)).toBe(10_240 * 1024);
  });

  it.each([
    [10_240, 50, 6_000 * 1024],
    [10_240, 86, 10_240 * 1024],
    [1024, 256, 1024 * 1024],
    [1024, 1, 120 * 1024],
  ])('R145 of %i KB at %i KB/s is what two minutes let through, if that is less', (kb, kbps, bytes) => {
    expect(chunk(kb, kbps)).toBe(bytes);
  });

  it('R143 is never below 64 KB', () => {
    expect(chunk(64, 1)).toBe(64 * 1024);
    expect(chunk(64, 0)).toBe(64 * 1024);
  });
});

describe('the time between chunks', () => {
  it('R142 is what the profile says, or what a developer shortened it to, nothing included', () => {
    const profile = { ...defaultProfile(), deltaUploadIntervalSec: 1_800 };
    expect(deltaIntervalSec(restingFacts({ profile }))).toBe(1_800);
    expect(deltaIntervalSec(restingFacts({ profile, development: { deltaUploadIntervalSec: 0 } }))).toBe(0);
  });
});

describe('what is known of an upload that begins', () => {
  it('is its size, with nothing sent and, unless told otherwise, nothing failed', () => {
    const size = { type: 'SCA', kind: 'delta', chunkCount: 3, encodedBytes: 2_500_000 } as const;
    const pending = { ...size, id: 'not kept' } as unknown as Parameters<typeof pendingFacts>[0];
    const begun = { ...size, chunksSent: 0, nextStepAt: NOW };
    expect(pendingFacts(pending, NOW)).toEqual({ ...begun, failures: 0 });
    expect(pendingFacts(pending, NOW, 2)).toEqual({ ...begun, failures: 2 });
  });
});
