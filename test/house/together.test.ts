import { describe, expect, it } from 'vitest';
import { describePlatformLine } from '../../scripts/together/describe.ts';

describe('what npm start shows of the platform', () => {
  it.each([
    ['2026-11-20T12:00:00.123Z [info] agent a registered', 'agent a registered'],
    ['2026-11-20T12:00:00.123Z [warn] the disk is full', 'warn: the disk is full'],
    ['Error: no such directory', 'Error: no such directory'],
    ['    at main (cli.ts:1) [info] 2026', '    at main (cli.ts:1) [info] 2026'],
  ])('has one time a line and a level only where it is not the usual one: %s', (line, shown) => {
    expect(describePlatformLine(line)).toBe(shown);
  });
});
