import { appendFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { until } from '../../../test/support/until.ts';
import { followLines, lastLines } from './log-reader.ts';
import { atLeast, formatLine } from './log.ts';

describe('reading a log', () => {
  let directory: string;
  let path: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'wayfarer-reader-'));
    path = join(directory, 'agent.log');
  });
  afterEach(() => {
    rmSync(directory, { recursive: true, force: true });
  });
  const always = (): boolean => true;
  const line = (level: 'error' | 'info' | 'debug', text: string): string =>
    formatLine(new Date(0), level, text, { name: 'wayfarer-agent', pid: 1 });

  it('gives the last lines, without one that is still being written', () => {
    writeFileSync(path, 'one\ntwo\nthree\nfo');
    expect(lastLines(path, 2, always)).toEqual(['two', 'three']);
    expect(lastLines(path, 9, always)).toEqual(['one', 'two', 'three']);
    expect(lastLines(path, 0, always)).toEqual([]);
  });

  it('gives lines of a level and more serious ones, and those in no shape', () => {
    const lines = [line('error', 'a'), line('info', 'b'), line('debug', 'c'), 'no shape'];
    writeFileSync(path, `${lines.join('\n')}\n`);
    expect(lastLines(path, 9, atLeast('info'))).toEqual([lines[0], lines[1], 'no shape']);
    expect(lastLines(path, 9, atLeast('error'))).toEqual([lines[0], 'no shape']);
    expect(lastLines(path, 9, atLeast('trace'))).toEqual(lines);
  });

  it('follows what comes, from before the file is there through its changes, each line once', async () => {
    const taken: string[] = [];
    const ending = new AbortController();
    const following = followLines(path, (text) => taken.push(text), ending.signal);
    const seen = (count: number): Promise<true> =>
      until(`${String(count)} lines`, () => (taken.length >= count ? true : undefined));
    writeFileSync(path, 'one\n');
    await seen(1);
    appendFileSync(path, 'two\nth');
    await seen(2);
    appendFileSync(path, 'ree\n');
    renameSync(path, `${path}.1`);
    writeFileSync(path, 'four\n');
    await seen(4);
    ending.abort();
    await following;
    expect(taken).toEqual(['one', 'two', 'three', 'four']);
  });

  it('begins at the end of a file that is there', async () => {
    writeFileSync(path, 'before\n');
    const taken: string[] = [];
    const ending = new AbortController();
    const following = followLines(path, (text) => taken.push(text), ending.signal);
    appendFileSync(path, 'after\n');
    await until('a line', () => (taken.length > 0 ? true : undefined));
    ending.abort();
    await following;
    expect(taken).toEqual(['after']);
  });
});
