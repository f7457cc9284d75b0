import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lastGoodFile, lastGoodFiles } from './last-good.ts';

let scratch: string;
let told: string[];
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'wf-pac-copy-'));
  told = [];
});
afterEach(() => {
  rmSync(scratch, { recursive: true, force: true });
});

const copy = (name = 'pac-copy') => lastGoodFile(join(scratch, name), (message) => told.push(message));
const GOOD = { script: '// grün\n\nfunction FindProxyForURL() {}\n', since: 1_700_000_000_000 };

describe('the last good copy of a script', () => {
  it('outlives its writer, for the agent alone', () => {
    copy().write('http://a/', GOOD);
    expect(copy().read('http://a/')).toEqual(GOOD);
    expect(statSync(join(scratch, 'pac-copy')).mode & 0o777).toBe(0o600);
  });

  it('counts for its own location only', () => {
    copy().write('http://a/', GOOD);
    expect(copy().read('http://b/')).toBeUndefined();
    copy().write('http://b/', { ...GOOD, script: 'b' });
    expect(copy().read('http://a/')).toBeUndefined();
  });

  it('is none where there is no file, and nobody is told', () => {
    expect(copy().read('http://a/')).toBeUndefined();
    expect(told).toEqual([]);
  });

  it.each([
    ['half a line', '{"key":"http://a/"'],
    ['no JSON', 'hello\nworld'],
    ['another shape', '{"key":"http://a/","since":"yesterday"}\nx'],
  ])('is none where the file holds %s', (_name, content) => {
    writeFileSync(join(scratch, 'pac-copy'), content);
    expect(copy().read('http://a/')).toBeUndefined();
  });

  it('is neither read through a link nor missed when it can not be written', () => {
    writeFileSync(join(scratch, 'elsewhere'), `{"key":"http://a/","since":1}\nx`);
    symlinkSync(join(scratch, 'elsewhere'), join(scratch, 'pac-copy'));
    expect(copy().read('http://a/')).toBeUndefined();
    mkdirSync(join(scratch, 'full', 'pac-copy', 'x'), { recursive: true });
    copy('full/pac-copy').write('http://a/', GOOD);
    expect(told).toEqual([
      expect.stringContaining("can't be read"),
      expect.stringContaining("can't be written"),
    ]);
  });
});

describe('the last good copies of several scripts', () => {
  const copies = () => lastGoodFiles(join(scratch, 'pac-copy'), 2, (message) => told.push(message));
  const files = (): string[] => readdirSync(scratch).filter((name) => name.startsWith('pac-copy-'));

  it('stand beside each other', () => {
    copies().write('http://a/', GOOD);
    copies().write('file:///b', { ...GOOD, script: 'b' });
    expect(copies().read('http://a/')).toEqual(GOOD);
    expect(copies().read('file:///b')).toEqual({ ...GOOD, script: 'b' });
    expect(copies().read('http://c/')).toBeUndefined();
  });

  it('are two at most, the ones that were written last, and nothing else is removed', () => {
    writeFileSync(join(scratch, 'pac-copy-of-mine'), '');
    for (const [n, key] of ['a', 'b', 'c'].entries()) {
      copies().write(key, GOOD);
      const [newest = ''] = files()
        .map((name) => join(scratch, name))
        .sort((one, other) => statSync(other).mtimeMs - statSync(one).mtimeMs);
      utimesSync(newest, n + 1, n + 1);
    }
    expect(['a', 'b', 'c'].map((key) => copies().read(key) !== undefined)).toEqual([false, true, true]);
    expect(files()).toContain('pac-copy-of-mine');
  });
});
