import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lastGoodFile } from './last-good.ts';

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
