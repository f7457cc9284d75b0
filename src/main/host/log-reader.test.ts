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
    expect(lastLines(path, 2, always)).toEqual({ lines: ['two', 'three'], end: 14 });
    expect(lastLines(path, 9, always).lines).toEqual(['one', 'two', 'three']);
    expect(lastLines(path, 0, always)).toEqual({ lines: [], end: 14 });
  });

  it('gives lines of a level and more serious ones, and those in no shape', () => {
    const lines = [line('error', 'a'), line('info', 'b'), line('debug', 'c'), 'no shape'];
    writeFileSync(path, `${lines.join('\n')}\n`);
    expect(lastLines(path, 9, atLeast('info')).lines).toEqual([lines[0], lines[1], 'no shape']);
    expect(lastLines(path, 9, atLeast('error')).lines).toEqual([lines[0], 'no shape']);
    expect(lastLines(path, 9, atLeast('trace')).lines).toEqual(lines);
  });

  it('follows what comes, from before the file is there through its changes, each line once', async () => {
    const taken: string[] = [];
    const ending = new AbortController();
    const following = followLines(path, 0, (text) => taken.push(text), ending.signal);
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

  it('goes on where a look at the past has ended, and at the start of a file that took its place', async () => {
    writeFileSync(path, 'before\nhal');
    const { end } = lastLines(path, 9, always);
    appendFileSync(path, 'f\n');
    const taken: string[] = [];
    const ending = new AbortController();
    const following = followLines(path, end, (text) => taken.push(text), ending.signal);
    appendFileSync(path, 'after\n');
    await until('two lines', () => (taken.length > 1 ? true : undefined));
    ending.abort();
    await following;
    expect(taken).toEqual(['half', 'after']);

    writeFileSync(path, 'new\n');
    const others: string[] = [];
    const later = new AbortController();
    const again = followLines(path, end, (text) => others.push(text), later.signal);
    await until('a line', () => (others.length > 0 ? true : undefined));
    later.abort();
    await again;
    expect(others).toEqual(['new']);
  });
});
