import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FimEvent } from '../../src/shared/host-events.ts';
import { SeededRandom } from '../support/random.ts';
import { because, noLinuxRoot } from '../support/reason.ts';
import { until } from '../support/until.ts';
import { WatchedTree } from '../support/watched-tree.ts';

/** Makes, changes, moves and deletes files in a process of its own, until it has done so often enough. */
const BURST = `
const fs = require('node:fs');
const [root, round] = process.argv.slice(1);
for (let n = 0; n < 400; n += 1) {
  const at = root + '/' + (n % 7);
  fs.mkdirSync(at, { recursive: true });
  const file = at + '/' + round + '-' + n;
  fs.writeFileSync(file, 'x' + n);
  if (n % 3 === 0) fs.renameSync(file, file + '.moved');
  if (n % 5 === 0) fs.appendFileSync(at + '/log', 'line ' + n + '\\n');
  if (n % 11 === 0) fs.rmSync(at + '/' + round + '-' + (n - 7), { force: true });
}
fs.renameSync(root + '/0', root + '/0-' + round);
`;

/** Sequence numbers without a hole, each once. */
function expectWholeChain(events: readonly FimEvent[]): void {
  const sequences = events.map(({ wayfarer }) => wayfarer.chain.sequence).sort((a, b) => a - b);
  expect(sequences).toEqual(sequences.map((_, index) => (sequences[0] ?? 0) + index));
  expect(new Set(events.map(({ wayfarer }) => wayfarer.chain.id)).size).toBe(1);
}

describe.skipIf(noLinuxRoot !== undefined)(`file integrity on bad days${because(noLinuxRoot)}`, () => {
  let tree: WatchedTree;
  beforeEach(() => {
    tree = new WatchedTree();
  });
  afterEach(() => tree.close());

  it('R200 R205 loses no change and tells none twice when it is killed in the middle of bursts', async () => {
    const random = new SeededRandom(20_261_128);
    await tree.watch();
    for (let round = 0; round < 5; round += 1) {
      const kill = 1 + random.below(300);
      const before = tree.sensor.fim.length;
      const writer = spawn(process.execPath, ['-e', BURST, tree.root, String(round)], { stdio: 'inherit' });
      const wrote = new Promise((resolve) => writer.once('exit', resolve));
      await until('some events', () => (tree.sensor.fim.length - before >= kill ? true : undefined));
      await tree.sensor.kill();
      expect(await wrote).toBe(0);
      await tree.watchAgain();
      expectWholeChain(await tree.accounted());
    }
  });

  it('watches what is mounted into a rule, and reports what an unmount hides and shows again', async () => {
    mkdirSync(join(tree.root, 'mnt'));
    writeFileSync(join(tree.root, 'mnt/below'), 'below');
    await tree.watch();
    const mounted = join(tree.root, 'mnt');
    execFileSync('mount', ['-t', 'tmpfs', 'wayfarer', mounted]);
    try {
      expect((await tree.accounted()).map(({ file }) => file.path)).toContain(join(mounted, 'below'));
      writeFileSync(join(mounted, 'inside'), 'inside');
      const [inside] = await tree.accounted();
      expect(inside?.file.path).toBe(join(mounted, 'inside'));
      expect(inside?.wayfarer.actor.state).toBe('known');
    } finally {
      execFileSync('umount', [mounted]);
    }
    expect((await tree.accounted()).map(({ file }) => file.path)).toContain(join(mounted, 'below'));
  });
});
