import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ruleSet } from '../../../../test/support/fanotify-listener.ts';
import { because, noLinuxRoot } from '../../../../test/support/reason.ts';
import { until } from '../../../../test/support/until.ts';
import { processTimer } from '../../debounce.ts';
import { ERRNO } from '../../native/libc.ts';
import { ReadableWatch } from '../../native/readable.ts';
import type { LostChanges, RawChange } from '../change.ts';
import type { WatchPort } from '../watcher/subscribe.ts';
import { loadFanotifyCalls, type FanotifyCalls } from './calls.ts';
import { FAN_MARK } from './fanotify-abi.ts';
import { LinuxSource } from './linux-source.ts';
import type { FanotifySource } from './source.ts';

describe.skipIf(noLinuxRoot !== undefined)(`mounts that take no mark${because(noLinuxRoot)}`, () => {
  let dirs: string[];
  let source: LinuxSource | undefined;
  let watch: ReadableWatch;
  const changes: RawChange[] = [];
  const lost: LostChanges[] = [];

  beforeEach(() => {
    watch = new ReadableWatch({ now: () => performance.now(), failed: () => undefined });
    dirs = [tmpdir(), '/dev/shm'].map((place) => mkdtempSync(join(place, 'wayfarer-unmarked-')));
    changes.length = 0;
    lost.length = 0;
  });
  afterEach(async () => {
    await source?.stop();
    await watch.stop();
    for (const dir of dirs) rmSync(dir, { recursive: true });
  });

  function open(change: (real: FanotifyCalls) => Partial<FanotifyCalls>, port?: WatchPort): LinuxSource {
    const real = loadFanotifyCalls();
    source = new LinuxSource({
      watch,
      calls: { ...real, ...change(real) },
      attribute: (pid) => ({ actor: { state: 'known', process: { pid } } }),
      now: () => Date.now(),
      monotonic: () => performance.now(),
      startTimer: processTimer,
      readers: new Set<FanotifySource>(),
      events: {
        changes: (told) => void changes.push(...told),
        lost: (told) => void lost.push(told),
        failed: () => undefined,
        mountsChanged: () => undefined,
        log: () => undefined,
      },
      ...(port === undefined ? {} : { port }),
    });
    return source;
  }
  const isListening = (root: string) =>
    until('the watcher listens', () => lost.find(({ below }) => below.includes(root)));
  const heard = (path: string) => until(path, () => changes.find((each) => each.path === path), 15_000);
  /** The real mark, but for the filesystem that this path is on. */
  const refusing = (path: string) => (real: FanotifyCalls) => {
    const { dev } = statSync(path);
    return {
      mark: (group: number, flags: number, mask: number, at: string | Buffer, dirfd?: number): number => {
        const isThere = dirfd === undefined && (flags & FAN_MARK.ADD) !== 0 && statSync(at).dev === dev;
        return isThere ? -ERRNO.EINVAL : real.mark(group, flags, mask, at, dirfd);
      },
    };
  };

  it('R200 R208 are heard through the file watcher, without actors, and the others as ever', async () => {
    const [marked = '', unmarked = ''] = dirs;
    const opened = open(refusing('/dev/shm'));
    opened.start(ruleSet([marked, unmarked]));
    await isListening(unmarked);
    for (const dir of dirs) writeFileSync(join(dir, 'file'), '');
    expect((await heard(join(unmarked, 'file'))).by.actor.state).toBe('unknown');
    expect((await heard(join(marked, 'file'))).by.actor.state).toBe('known');
    const there = opened.mounts().find(({ mount }) => mount === '/dev/shm');
    expect(there).toMatchObject({ method: 'file watcher' });
    // By other rules nothing is heard of it any more.
    opened.setRules(ruleSet([marked]));
    expect(opened.mounts().map(({ mount }) => mount)).not.toContain('/dev/shm');
  });

  it('R208 are heard in the same way where two filesystems have one identifier', async () => {
    const opened = open(() => ({ fsid: () => 'same fsi' }));
    opened.start(ruleSet(dirs));
    const second = await until('the watcher listens', () => lost.find(({ reason }) => reason === 'mount'));
    const [root = ''] = second.below;
    expect(dirs).toContain(root);
    writeFileSync(join(root, 'file'), '');
    expect((await heard(join(root, 'file'))).by.actor.state).toBe('unknown');
  });

  it('are told as walked alone where no watcher can stand in either', async () => {
    const [marked = '', unmarked = ''] = dirs;
    const opened = open(refusing('/dev/shm'), {
      tree: () => Promise.reject(new Error('no watches')),
      entries: () => {
        throw new Error('no watches');
      },
    });
    opened.start(ruleSet([marked, unmarked]));
    await isListening(unmarked);
    expect(opened.mounts().find(({ mount }) => mount === '/dev/shm')).toMatchObject({
      method: 'rescan only',
      note: expect.stringContaining("can't be watched: no watches") as string,
    });
  });
});
