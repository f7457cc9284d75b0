import { describe, expect, it } from 'vitest';
import { readLines } from './lines.ts';
import { contextOn, layOut } from './testing/host.ts';

const MIB = 1024 * 1024;

async function linesOf(content: string): Promise<string[]> {
  const found: string[] = [];
  for await (const line of readLines(contextOn(layOut({ '/f': content })), '/f')) found.push(line);
  return found;
}

describe('the lines of a file', () => {
  it('are all there, empty ones and the first included', async () => {
    expect(await linesOf('\nabc')).toEqual(['', 'abc']);
    expect(await linesOf('a\n\nb\n')).toEqual(['a', '', 'b']);
    expect(await linesOf('')).toEqual([]);
  });

  it('lose a carriage return at their end only', async () => {
    expect(await linesOf('a\rb\r\nc\r\r\n')).toEqual(['a\rb', 'c\r']);
  });

  it('may be longer than what is read at once, up to 1 MiB', async () => {
    const long = 'x'.repeat(MIB);
    expect(await linesOf(`${long}\nend`)).toEqual([long, 'end']);
    expect(await linesOf(long)).toEqual([long]);
    await expect(linesOf(`${long}x`)).rejects.toThrow('/f: a line is longer than allowed');
  });
});
