import { describe, expect, it } from 'vitest';
import { defaultProfile } from '../../shared/profile.ts';
import { chunkBytesOf } from './upload-progress.ts';

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
