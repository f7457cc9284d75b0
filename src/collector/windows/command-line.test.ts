import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { redactCommandLine, splitCommandLine } from './command-line.ts';

const split = (line: string): string[] => splitCommandLine(line).map(({ value }) => value);

describe('a command line of Windows', () => {
  // The examples of "Parsing C command-line arguments" (Microsoft), behind the name of a program.
  it.each([
    ['"abc" d e', ['abc', 'd', 'e']],
    ['a\\\\b d"e f"g h', ['a\\\\b', 'de fg', 'h']],
    ['a\\\\\\"b c d', ['a\\"b', 'c', 'd']],
    ['a\\\\\\\\"b c" d e', ['a\\\\b c', 'd', 'e']],
    ['a"b"" c d', ['ab" c d']],
    ['"" x\t y', ['', 'x', 'y']],
    ['"not closed x', ['not closed x']],
  ])('is split as the documentation says: %s', (args, expected) => {
    expect(split(`p.exe ${args}`)).toEqual(['p.exe', ...expected]);
  });

  it('has the name of its program up to the second quote or a blank, where no backslash escapes', () => {
    expect(split('"C:\\Program Files\\x\\" a')).toEqual(['C:\\Program Files\\x\\', 'a']);
    expect(split('C:\\x.exe\ta')).toEqual(['C:\\x.exe', 'a']);
    expect([split(''), split('  '), split('"C:\\x')]).toEqual([[], [''], ['C:\\x']]);
  });

  it.each([
    ['curl -u anna:geheim https://x', 'curl -u anna:[redacted] https://x'],
    [
      '"C:\\Program Files\\MySQL\\mysql.exe" -pgeheim db',
      '"C:\\Program Files\\MySQL\\mysql.exe" -p[redacted] db',
    ],
    ['MYSQL.EXE -p geheim', 'MYSQL.EXE -p [redacted]'],
    ['x.exe --password "two words" y', 'x.exe --password [redacted] y'],
    ['x.exe "--password=two words" y', 'x.exe --password=[redacted] y'],
    ['x.exe /Password:"two words" /y', 'x.exe /Password:[redacted] /y'],
    ['x.exe /password geheim', 'x.exe /password [redacted]'],
    ['x.exe -H "Authorization: Basic abc def"', 'x.exe -H "Authorization: [redacted]"'],
    ['x.exe https://anna:geheim@x/', 'x.exe https://anna:[redacted]@x/'],
    ['cmd /c set DB_PASSWORD = geheim', 'cmd /c set DB_PASSWORD = [redacted]'],
  ])('R201 has no secrets: %s', (line, expected) => {
    expect(redactCommandLine(line)).toBe(expected);
  });

  it.each([
    '"C:\\a b\\x.exe"  /c "echo ""hi"""  \\\\"q"',
    'net use Z: \\\\server\\share /persistent:yes',
    ' leading  ',
  ])('stays as it was typed where nothing is hidden: %s', (line) => {
    expect(redactCommandLine(line)).toBe(line);
  });

  it('is taken whole by its parts, and in time, whatever it holds', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('a', '"', '\\', ' ', '\t', '-p', '/', ':')), (pieces) => {
        const line = pieces.join('');
        const whole = splitCommandLine(line)
          .map(({ before, raw }) => before + raw)
          .join('');
        expect(line.slice(0, whole.length)).toBe(whole);
        expect(line.slice(whole.length).trim()).toBe('');
        redactCommandLine(line);
      }),
    );
    const started = performance.now();
    for (const piece of ['\\', '"', ' ', 'a "', '/a:'])
      redactCommandLine(piece.repeat(32_768 / piece.length));
    expect(performance.now() - started).toBeLessThan(2_000);
  });
});
