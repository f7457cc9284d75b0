import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { heapBound } from '../host/frugal-runtime.ts';
import { startCollectorProcess } from './collector-process.ts';

it('starts the collector with a small young generation and few malloc arenas', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'wf-collector-'));
  onTestFinished(() => {
    rmSync(directory, { recursive: true, force: true });
  });
  const entry = join(directory, 'entry.mjs');
  const variables = ['MALLOC_ARENA_MAX', 'MALLOC_MMAP_THRESHOLD_', 'MALLOC_TRIM_THRESHOLD_'];
  const seen = `[process.execArgv, ...${JSON.stringify(variables)}.map((name) => process.env[name])]`;
  writeFileSync(
    entry,
    `process.send({ kind: 'log', level: 'info', message: JSON.stringify(${seen}) }, () => process.disconnect());`,
  );
  const said = await new Promise<string>((resolve, reject) => {
    startCollectorProcess(
      entry,
      [],
    )({
      message: (message) => {
        if (message.kind === 'log') resolve(message.message);
      },
      ended: reject,
    });
  });
  expect(JSON.parse(said)).toEqual([['--max-semi-space-size=1'], '1', '65536', '65536']);
});

it('R029 is ended by its runtime once its heap is larger than the budget leaves room for', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'wf-collector-'));
  onTestFinished(() => {
    rmSync(directory, { recursive: true, force: true });
  });
  const entry = join(directory, 'entry.mjs');
  writeFileSync(entry, 'const all = []; for (;;) all.push(new Array(100_000).fill(all.length + 0.5));');
  const start = startCollectorProcess(entry, [heapBound(128)]);
  const reason = await new Promise<string>((resolve) => {
    start({ message: () => undefined, ended: resolve });
  });
  expect(reason).toMatch(/SIGABRT|134/);
});
