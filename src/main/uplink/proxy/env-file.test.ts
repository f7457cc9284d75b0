import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { editEnvFile, parseEnvFile } from './env-file.ts';

const valueOf = (text: string, name = 'A'): string | undefined => parseEnvFile(text).get(name)?.value;
const edit = (text: string, changes: Record<string, string | undefined>): string =>
  editEnvFile(text, new Map(Object.entries(changes)));

describe('reading a file of environment variables', () => {
  it.each([
    ['A=b', 'b'],
    ['  export A=b', 'b'],
    ['A = b', 'b'],
    ['A="b c"', 'b c'],
    ["A='b $c \\\"'", 'b $c \\"'],
    ['A="b \\"c\\" \\\\ \\$d \\n"', 'b "c" \\ $d \\n'],
    ['A=http://a:1;http://b:2', 'http://a:1;http://b:2'],
    ['A=b, c', 'b, c'],
    ['A=b # why', 'b'],
    ['A="b" # why', 'b'],
    ['A=b#c', 'b#c'],
    ['A=b  \r\n', 'b'],
    ['A=', ''],
    ['A=b\nA=c', 'c'],
    ['\ufeffB=1\nA=b', 'b'],
  ])('%j sets A to %j', (text, value) => {
    expect(valueOf(text)).toBe(value);
  });

  it.each(['# A=b', 'unset A', 'if A=b; then', 'A', '=b', 'A B=c', '1A=b', 'A-B=c'])(
    '%j sets nothing',
    (text) => {
      expect([...parseEnvFile(text).keys()]).toEqual([]);
    },
  );

  it.each(['A="b', "A='b", 'A="b\\"', 'A="b\nc"'])('%j is marked as broken', (text) => {
    expect(parseEnvFile(text).get('A')).toEqual({ value: '', line: 1, broken: true });
  });

  it('tells the line, whatever ends the lines before', () => {
    expect(parseEnvFile('# one\r\n\r\n\nA=b').get('A')?.line).toBe(4);
  });
});

describe('editing a file of environment variables', () => {
  it('R245 changes only the lines that are named', () => {
    const before = '# proxy\r\n\r\n\texport A="old" # why\r\nB=2\r\nif x; then\r\nC=3';
    expect(edit(before, { A: 'http://a:1;http://b:2', C: undefined, D: 'new' })).toBe(
      '# proxy\r\n\r\n\texport A="http://a:1;http://b:2"\r\nB=2\r\nif x; then\r\nD=new\r\n',
    );
  });

  it('leaves one line of a name that stood twice, where the last one was', () => {
    expect(edit('A=1\nB=2\nA=3\nC=4\n', { A: 'x' })).toBe('B=2\nA=x\nC=4\n');
    expect(edit('A=1\nB=2\nA=3', { A: undefined })).toBe('B=2\n');
  });

  it('ends the last line before it adds one', () => {
    expect(edit('B=2', { A: '1' })).toBe('B=2\nA=1\n');
    expect(edit('', { A: '' })).toBe('A=\n');
  });

  it('mends a line whose quote was never closed', () => {
    expect(edit('A="b\nB=1\n', { A: 'c' })).toBe('A=c\nB=1\n');
  });

  it.each(['a\nb', 'a\rb', 'a\0b'])('refuses the value %j: it would be another line', (value) => {
    expect(() => edit('', { A: value })).toThrow(RangeError);
  });

  it('refuses a name that is none', () => {
    expect(() => edit('', { 'A=1\nB': 'c' })).toThrow(RangeError);
  });

  const name = fc.constantFrom('A', 'B', 'C_1');
  const value = fc
    .string({ unit: fc.constantFrom(...Array.from('ab;#"\'\\$` =%@&ü😀'), '\t') })
    .map((text) => text);
  const junk = fc.oneof(
    fc.string({ unit: fc.constantFrom(...Array.from('# ABC_=1"\'\\;\t\r\n')) }),
    fc.string({ unit: 'binary' }),
  );

  it('gives back what it wrote, in any file', () => {
    fc.assert(
      fc.property(junk, fc.dictionary(name, value), (text, changes) => {
        const after = parseEnvFile(edit(text, changes));
        for (const [key, wanted] of Object.entries(changes)) expect(after.get(key)?.value).toBe(wanted);
      }),
    );
  });

  it('touches no other byte, and doing it twice is doing it once', () => {
    fc.assert(
      fc.property(junk, name, fc.option(value, { nil: undefined }), (text, key, wanted) => {
        const once = edit(text, { [key]: wanted });
        expect(edit(once, { [key]: wanted })).toBe(once);
        const assigns = new RegExp(`^\\s*(export\\s+)?${key}\\s*=`);
        const others = (file: string): string =>
          (file.match(/[^\n]*\n|[^\n]+$/g) ?? []).filter((line) => !assigns.test(line)).join('');
        const [before, after] = [others(text), others(once)];
        expect(after.slice(0, before.length)).toBe(before);
        // Only the end of the file may differ: a line break before what is added.
        expect(['', '\n', '\r\n']).toContain(after.slice(before.length));
      }),
    );
  });

  it('changes nothing where nothing is to be changed', () => {
    fc.assert(
      fc.property(junk, (text) => {
        expect(edit(text, {})).toBe(text);
      }),
    );
  });
});
