import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SENSOR_MEMORY_MB } from '../../src/main/agent/sensing.ts';
import { because, noLinuxRoot } from '../support/reason.ts';
import { actorsOf, WatchedTree } from '../support/watched-tree.ts';

const FILES = 50_000;
/** Processes that write one byte at a time, and how often each does. */
const WRITERS = 4;
const WRITES = 2_500_000;

const ACCOUNTED_MS = 600_000;
/** Highest resident memory of a process so far, MB (proc(5), `VmHWM`). */
function peakMb(pid: number): number {
  const found = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${String(pid)}/status`, 'utf8'));
  return Number(found?.[1]) / 1024;
}

describe.skipIf(noLinuxRoot !== undefined)(`file integrity in a flood${because(noLinuxRoot)}`, () => {
  let tree: WatchedTree;
  beforeEach(() => {
    tree = new WatchedTree();
  });
  afterEach(() => tree.close());

  it(
    `R199 R200 accounts for an archive of ${String(FILES)} files that is unpacked and removed`,
    async () => {
      const source = join(tree.outside, 'source');
      for (let n = 0; n < FILES; n += 1) {
        const at = join(source, String(n % 500));
        if (n < 500) mkdirSync(at, { recursive: true });
        writeFileSync(join(at, String(n)), `file ${String(n)}`);
      }
      execFileSync('tar', ['cf', join(tree.outside, 'all.tar'), '-C', tree.outside, 'source']);
      await tree.watch();
      execFileSync('tar', ['xf', join(tree.outside, 'all.tar')], { cwd: tree.root });
      const unpacked = await tree.accounted(ACCOUNTED_MS);
      console.log(
        `unpacked: ${JSON.stringify(actorsOf(unpacked))}, peak ${peakMb(tree.sensor.pid).toFixed(0)} MB`,
      );
      expect(unpacked.filter(({ event }) => event.action === 'created')).toHaveLength(FILES + 501);
      execFileSync('rm', ['-r', join(tree.root, 'source')]);
      const removed = await tree.accounted(ACCOUNTED_MS);
      console.log(
        `removed: ${JSON.stringify(actorsOf(removed))}, peak ${peakMb(tree.sensor.pid).toFixed(0)} MB`,
      );
      expect(removed.filter(({ event }) => event.action === 'deleted')).toHaveLength(FILES + 501);
      expect(peakMb(tree.sensor.pid)).toBeLessThan(SENSOR_MEMORY_MB);
    },
    2 * ACCOUNTED_MS,
  );

  it(
    `R199 loses no net change in ${String((WRITERS * WRITES) / 1e6)} million events, and stays within its memory`,
    async () => {
      await tree.watch();
      const begun = performance.now();
      const writers = Array.from({ length: WRITERS }, (_, n) =>
        spawn(
          'dd',
          ['if=/dev/zero', `of=file${String(n)}`, 'bs=1', `count=${String(WRITES)}`, 'status=none'],
          {
            cwd: tree.root,
          },
        ),
      );
      await Promise.all(writers.map((writer) => once(writer, 'exit')));
      const seconds = (performance.now() - begun) / 1000;
      const events = await tree.accounted(ACCOUNTED_MS);
      console.log(
        `${String(WRITERS * WRITES)} writes in ${seconds.toFixed(1)} s: ${String(events.length)} events, ` +
          `${JSON.stringify(actorsOf(events))}, peak ${peakMb(tree.sensor.pid).toFixed(0)} MB`,
      );
      expect(peakMb(tree.sensor.pid)).toBeLessThan(SENSOR_MEMORY_MB);
      expect(tree.sensor.faults).toEqual([]);
    },
    2 * ACCOUNTED_MS,
  );
});
