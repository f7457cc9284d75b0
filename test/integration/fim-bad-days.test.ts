import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { processTimer, type StartTimer } from '../../src/collector/debounce.ts';
import type { LostChanges } from '../../src/collector/fim/change.ts';
import { loadFanotifyCalls, type FanotifyCalls } from '../../src/collector/fim/linux/calls.ts';
import { FAN_MARK } from '../../src/collector/fim/linux/fanotify-abi.ts';
import { LinuxSource } from '../../src/collector/fim/linux/linux-source.ts';
import { ruleWith } from '../../src/collector/fim/testing/fim-rules.ts';
import { ReadableWatch } from '../../src/collector/native/readable.ts';
import { FileWatch } from '../../src/collector/sensor/file-watch.ts';
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

  it('R208 watches without root through the file watcher, and says that it knows no actors', async () => {
    const nobody = 65_534;
    for (const directory of [dirname(tree.root), tree.root]) chmodSync(directory, 0o755);
    chownSync(tree.dataDir, nobody, nobody);
    await tree.watch({}, { uid: nobody });
    const { state } = tree.sensor;
    expect(state?.fim).toMatchObject({ actor: 'unknown', rules: [{ state: 'watching' }] });
    expect(state?.fim?.mounts).toContainEqual(
      expect.objectContaining({ mount: tree.root, method: 'file watcher' }),
    );
    const codes = state?.problems.map(({ code }) => code);
    expect(codes).toContain('FIM_NO_ACTOR');
    expect(codes).not.toContain('FIM_INCOMPLETE');
    writeFileSync(join(tree.root, 'file'), 'x');
    const [created] = await tree.accounted();
    expect(created?.wayfarer.actor.state).toBe('unknown');
  });

  it('notices that the kernel tells nothing any more, and begins anew', async () => {
    const canary = join(tree.dataDir, 'canary');
    const real = loadFanotifyCalls();
    const groups: number[] = [];
    const deaf = new Set<number>();
    const init = (flags: number): number => {
      const fd = real.init(flags);
      deaf.delete(fd);
      groups.push(fd);
      return fd;
    };
    // Marks are set again whenever anybody mounts anything, which other tests may do meanwhile.
    const mark: FanotifyCalls['mark'] = (fd, ...wanted) => (deaf.has(fd) ? 0 : real.mark(fd, ...wanted));
    const reads = new ReadableWatch({ now: () => performance.now(), failed: () => undefined });
    const logged: string[] = [];
    const lost: LostChanges[] = [];
    // A minute between two looks is two seconds here.
    const startTimer: StartTimer = (ms, fire) => processTimer(ms / 30, fire);
    let wasSilent = false;
    const watch = new FileWatch({
      os: 'linux',
      now: () => Date.now(),
      startTimer,
      sources: [
        (events) =>
          new LinuxSource({
            ...{ watch: reads, calls: { ...real, init, mark }, events, readers: new Set(), startTimer },
            attribute: () => ({ actor: { state: 'unknown', reason: 'a test' } }),
            now: () => Date.now(),
            monotonic: () => performance.now(),
          }),
      ],
      canaryPath: canary,
      touchCanary: () => writeFileSync(canary, 'x'),
      changes: () => undefined,
      lost: (told) => void lost.push(told),
      // It may be over before anybody looks: the next source begins within milliseconds here.
      changed: () => (wasSilent ||= watch.state().silent),
      log: (_level, message) => void logged.push(message),
    });
    try {
      await watch.setRules([ruleWith({ path: tree.root })], [tree.dataDir]);
      await until('the canary', () => watch.state().canarySeenAt);
      for (const group of groups) deaf.add(group);
      for (const group of deaf)
        for (const kind of [0, FAN_MARK.FILESYSTEM])
          expect(real.mark(group, FAN_MARK.FLUSH | kind, 0, '/')).toBe(0);
      const emptiedAt = Date.now();
      await until('the silence', () => (wasSilent ? true : undefined));
      await until('a new start', () => lost.find(({ reason }) => reason === 'restart'));
      await until('the canary again', () =>
        !watch.state().silent && (watch.state().canarySeenAt ?? 0) > emptiedAt ? true : undefined,
      );
      expect(logged.join()).toContain('says nothing of changes that were made');
    } finally {
      await watch.stop();
      await reads.stop();
    }
  });
});
