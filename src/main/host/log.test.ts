import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { until } from '../../../test/support/until.ts';
import type { LogLevel } from '../../shared/profile.ts';
import { formatLine, openLog } from './log.ts';

const LINE =
  /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} \+0000 \[wayfarer-agent\]\[\d+\]:\[(Error|Warning|Information|Debug|Trace)\]:\[1\]:/;

describe('a log line', () => {
  const at = new Date('2026-11-20T23:19:56.123Z');
  const agent = { name: 'wayfarer-agent', pid: 412 };

  it('has the documented shape', () => {
    expect(formatLine(at, 'info', 'text', agent)).toBe(
      '2026-11-20 23:19:56.123 +0000 [wayfarer-agent][412]:[Information]:[1]:text',
    );
  });

  it('keeps what operators search for while the agent id goes', () => {
    const message =
      'Http request: POST v1/agents/0f8fad5b-d9cb-469f-a165-70867728950e/status via proxy#1, Http status code: 200 (312 B, 184 ms)';
    expect(formatLine(at, 'info', message, agent)).toBe(
      '2026-11-20 23:19:56.123 +0000 [wayfarer-agent][412]:[Information]:[1]:Http request: POST v1/agents/…/status via proxy#1, Http status code: 200 (312 B, 184 ms)',
    );
  });

  it.each([
    ['error', 'Error'],
    ['warn', 'Warning'],
    ['info', 'Information'],
    ['debug', 'Debug'],
    ['trace', 'Trace'],
  ] as const)('says %s as %s', (level, word) => {
    expect(formatLine(at, level, 'x', agent)).toContain(`:[${word}]:`);
  });
});

describe('the log file', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'wayfarer-log-'));
  });
  afterEach(() => {
    rmSync(directory, { recursive: true, force: true });
  });
  const onTrouble = (error: Error): void => {
    throw error;
  };
  const linesOf = (path: string): string[] => readFileSync(path, 'utf8').split('\n').slice(0, -1);

  const textOf = (path: string): string =>
    (path.endsWith('.gz') ? gunzipSync(readFileSync(path)) : readFileSync(path)).toString('utf8');
  /** The numbers of `line n` in all files of a log, the oldest first. */
  function numbersIn(path: string, files: number): number[] {
    const names = Array.from({ length: files }, (_, n) =>
      n === 0 ? [path] : [`${path}.${String(n)}.gz`, `${path}.${String(n)}`],
    );
    return names
      .reverse()
      .flatMap((either) => either.filter((name) => existsSync(name)))
      .flatMap((name) => textOf(name).split('\n').slice(0, -1))
      .map((line) => Number(/line (\d+)$/.exec(line)?.[1]));
  }

  it('is made with its directory, closed to others, and appended to', async () => {
    const path = join(directory, 'made', 'agent.log');
    for (const text of ['one', 'two']) {
      const log = openLog(path, 'info', { onTrouble });
      log.info(text);
      await log.close();
    }
    expect(linesOf(path).map((line) => line.replace(LINE, ''))).toEqual(['one', 'two']);
    expect(statSync(path).mode & 0o777).toBe(0o640);
    expect(statSync(join(directory, 'made')).mode & 0o777).toBe(0o750);
  });

  it('holds the levels asked for, each line in shape', async () => {
    const path = join(directory, 'agent.log');
    const log = openLog(path, 'warn', { onTrouble });
    const levels: LogLevel[] = ['error', 'warn', 'info', 'debug', 'trace'];
    for (const level of levels) log[level](`first ${level}`);
    log.setLevel('trace');
    for (const level of levels) log[level](`second ${level}`);
    await log.close();
    const lines = linesOf(path);
    for (const line of lines) expect(line).toMatch(LINE);
    expect(lines.map((line) => line.replace(LINE, ''))).toEqual([
      'first error',
      'first warn',
      ...levels.map((level) => `second ${level}`),
    ]);
  });

  it('keeps its bound of files and bytes, and loses no line of a burst that they can hold', async () => {
    const path = join(directory, 'agent.log');
    const log = openLog(path, 'info', { onTrouble, bounds: { maxBytes: 10_000, maxFiles: 3 } });
    for (let n = 0; n < 1000; n += 1) log.info(`line ${String(n)}`);
    await log.close();
    expect(
      readdirSync(directory)
        .map((name) => name.replace('.gz', ''))
        .sort(),
    ).toEqual(['agent.log', 'agent.log.1', 'agent.log.2']);
    const numbers = numbersIn(path, 3);
    expect(numbers).toEqual(numbers.map((_, at) => 1000 - numbers.length + at)); // the newest, in order, no gap
    expect(numbers.length).toBeGreaterThan(200);
  });

  it('compresses what is older, keeps order and bounds through a burst that goes on meanwhile, and lets the loop turn', async () => {
    const path = join(directory, 'agent.log');
    const log = openLog(path, 'info', { onTrouble, bounds: { maxBytes: 200_000, maxFiles: 5 } });
    const compressed = (): number => readdirSync(directory).filter((name) => name.endsWith('.gz')).length;
    let n = 0;
    // In portions, so that the files shift under the compressor at many different moments.
    while (n < 40_000) {
      for (const end = n + 250; n < end; n += 1) log.info(`line ${String(n)}`);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await until('four compressed files', () => (compressed() === 4 ? true : undefined));
    await log.close();
    const numbers = numbersIn(path, 5);
    expect(numbers).toEqual(numbers.map((_, at) => 40_000 - numbers.length + at));
    expect(numbers.length).toBeGreaterThan(8_000);
    expect(readdirSync(directory).sort()).toEqual([
      'agent.log',
      ...[1, 2, 3, 4].map((k) => `agent.log.${String(k)}.gz`),
    ]);
    for (const name of readdirSync(directory)) {
      expect(statSync(join(directory, name)).mode & 0o777).toBe(0o640);
      expect(textOf(join(directory, name)).length).toBeLessThanOrEqual(200_000);
    }
  });

  it.each([
    'a file stands in place of its directory',
    'a directory stands in its place',
    'a link is planted',
  ])('stops nothing when %s: the trouble is told once and closing ends', async (trouble) => {
    const path = join(directory, 'sub', 'agent.log');
    if (trouble.startsWith('a file')) writeFileSync(join(directory, 'sub'), '');
    else mkdirSync(trouble.startsWith('a directory') ? path : join(directory, 'sub'), { recursive: true });
    if (trouble.startsWith('a link')) symlinkSync(join(directory, 'victim'), path);
    const troubles: Error[] = [];
    const log = openLog(path, 'info', { onTrouble: (error) => troubles.push(error) });
    log.info('one');
    log.error('two');
    await log.close();
    expect(troubles).toHaveLength(1);
    expect(readdirSync(directory)).toEqual(['sub']);
  });

  it('goes on by itself once the trouble is over, says how many lines are missing, and survives its deletion', async () => {
    const path = join(directory, 'sub', 'agent.log');
    writeFileSync(join(directory, 'sub'), '');
    const troubles: Error[] = [];
    const log = openLog(path, 'info', { onTrouble: (error) => troubles.push(error) });
    const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
    log.info('lost');
    log.info('lost, too');
    await settle();
    expect(log.trouble()).toContain('EEXIST');
    rmSync(join(directory, 'sub'));
    log.info('back');
    await settle();
    expect(log.trouble()).toBeNull();
    expect(linesOf(path).map((line) => line.replace(LINE, ''))).toEqual([
      '2 lines before this one could not be written',
      'back',
    ]);
    rmSync(path);
    log.info('again');
    await settle();
    expect(linesOf(path).map((line) => line.replace(LINE, ''))).toEqual(['again']);
    rmSync(join(directory, 'sub'), { recursive: true });
    writeFileSync(join(directory, 'sub'), '');
    log.info('lost once more');
    await log.close();
    expect(troubles).toHaveLength(2);
  });
});
