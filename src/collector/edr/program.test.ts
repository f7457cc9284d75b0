import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cut, programOf } from './program.ts';
import { parseStat, type ProcessRead } from './read-process.ts';

const read = (args: Buffer): ProcessRead => ({
  pid: 1,
  startTicks: 1,
  parent: 0,
  name: 'a',
  threads: 1,
  forkedOnly: false,
  executable: '/bin/\udcffodd\n',
  file: undefined,
  isPlaced: false,
  arguments: args,
  uid: { real: 0, effective: 0 },
  loginUid: undefined,
});

describe('what a process runs', () => {
  it('is written as text of the host, without secrets, bounded', () => {
    const program = programOf(read(Buffer.from('a\0--token=x\0\xff\n\0', 'latin1')), 8_192)!;
    expect(program.executable).toBe('/bin/%FFodd%0A');
    expect(program.commandLine()).toBe('a --token=[redacted] %FF%0A');
    const long = programOf(read(Buffer.alloc(8_193, 0xff)), 8_192)!.commandLine();
    expect(long.length).toBeLessThanOrEqual(8_192);
    expect(long.endsWith('%FF...')).toBe(true);
  });

  it('is never cut inside a character', () => {
    const text = fc.string({ unit: fc.constantFrom('a', '%0A', '\u{1f600}') });
    fc.assert(
      fc.property(text, fc.nat(60), (whole, most) => {
        const part = cut(whole, most);
        expect(part.length).toBeLessThanOrEqual(most);
        expect(whole.startsWith(part)).toBe(true);
        expect(part).not.toMatch(/%.?$|[\ud800-\udbff]$/);
      }),
    );
  });

  it('is counted from the last parenthesis in /proc/PID/stat, since the name may have some', () => {
    const rest = '1 7 7 0 -1 4194368 0 0 0 0 0 0 0 0 20 0 3 0 4711 0 0';
    expect(parseStat(Buffer.from(`7 (a) b ( c)) S ${rest}`))).toEqual({
      parent: 1,
      threads: 3,
      startTicks: 4_711,
      forkedOnly: true,
      name: 'a) b ( c)',
    });
    for (const odd of ['', '7 (a', ')7(', '7 (a) S 1 2']) expect(parseStat(Buffer.from(odd))).toBeUndefined();
  });
});
