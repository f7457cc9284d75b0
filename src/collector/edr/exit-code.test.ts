import { describe, expect, it } from 'vitest';
import { exitCode } from './exit-code.ts';

describe('the exit code of a process that ended', () => {
  it.each([
    ['ended well', 0, 0],
    ['gave 1', 0x0100, 1],
    ['gave 255', 0xff00, 255],
    ['was killed', 9, 137],
    ['was told to end', 15, 143],
    ['left a core behind', 0x8b, 139],
  ])('R201 of one that %s', (_how, status, code) => {
    expect(exitCode(status)).toBe(code);
  });
});
