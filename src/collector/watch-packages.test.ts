import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { StartTimer } from './debounce.ts';
import { layOut } from './testing/host.ts';
import type { WatchFolder } from './watch-folders.ts';
import { watchPackages } from './watch-packages.ts';

/** Timers that the test lets pass. */
class Timers {
  readonly #pending = new Map<number, { at: number; fire: () => void }>();
  #now = 0;
  #next = 0;

  readonly start: StartTimer = (ms, fire) => {
    const id = (this.#next += 1);
    this.#pending.set(id, { at: this.#now + ms, fire });
    return () => void this.#pending.delete(id);
  };

  pass(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const due = [...this.#pending].filter(([, { at }]) => at <= end).sort((a, b) => a[1].at - b[1].at)[0];
      if (due === undefined) break;
      this.#pending.delete(due[0]);
      this.#now = due[1].at;
      due[1].fire();
    }
    this.#now = end;
  }
}

/** A watch of a laid-out dpkg database whose events the test makes. */
function watched(watchFolder?: WatchFolder) {
  const root = layOut({ '/var/lib/dpkg/status': 'Package: a\n' });
  const timers = new Timers();
  const changes: (readonly string[])[] = [];
  const log: string[] = [];
  let event: () => void = () => undefined;
  let fail: (error: unknown) => void = () => undefined;
  const close = watchPackages({
    root,
    startTimer: timers.start,
    onChange: (tables) => changes.push(tables),
    log: (_level, message) => log.push(message),
    watchFolder:
      watchFolder ??
      ((_folder, onEvent, onError) => {
        event = onEvent;
        fail = onError;
        return () => (event = () => undefined);
      }),
  });
  let version = 0;
  const install = (): void => {
    version += 1;
    writeFileSync(join(root, 'var/lib/dpkg/status-new'), `Package: a\nVersion: ${'1'.repeat(version)}\n`);
    renameSync(join(root, 'var/lib/dpkg/status-new'), join(root, 'var/lib/dpkg/status'));
    event();
  };
  return {
    timers,
    changes,
    log,
    install,
    close,
    event: () => event(),
    fail: (error: unknown) => fail(error),
  };
}

describe('the watch of package databases', () => {
  it('R026 reports a change once it has been quiet for 2 s', () => {
    const { timers, changes, install } = watched();
    install();
    timers.pass(1_999);
    install();
    timers.pass(1_999);
    expect(changes).toEqual([]);
    timers.pass(1);
    expect(changes).toEqual([['deb', 'available_updates']]);
  });

  it('reports during a long installation after 30 s at the latest', () => {
    const { timers, changes, install } = watched();
    for (let second = 0; second < 30; second += 1) {
      install();
      timers.pass(1_000);
    }
    expect(changes).toEqual([['deb', 'available_updates']]);
  });

  it('keeps silent when the folder was stirred but the database is the same', () => {
    const { timers, changes, event } = watched();
    event();
    timers.pass(60_000);
    expect(changes).toEqual([]);
  });

  it('arms a failed watch again after 60 s and finds what changed meanwhile', () => {
    const { timers, changes, log, install, fail } = watched();
    fail(Object.assign(new Error('x'), { code: 'ENOSPC' }));
    install();
    timers.pass(59_999);
    expect(changes).toEqual([]);
    timers.pass(2_001);
    expect(log).toEqual(['watch of /var/lib/dpkg failed (ENOSPC), armed again in 60 s']);
    expect(changes).toEqual([['deb', 'available_updates']]);
  });

  it('survives a watch that cannot be armed, and ends all timers when closed', () => {
    const { timers, log, close } = watched(() => {
      throw Object.assign(new Error('x'), { code: 'EMFILE' });
    });
    timers.pass(60_000);
    expect(log).toHaveLength(2);
    close();
    timers.pass(600_000);
    expect(log).toHaveLength(2);
  });

  it('R026 tells new package lists of apt from what else happens beside them', () => {
    const root = layOut({ '/var/lib/apt/lists/a_Packages': '', '/var/lib/apt/lists/lock': '' });
    const timers = new Timers();
    const changes: (readonly [readonly string[], string])[] = [];
    let event = (): void => undefined;
    watchPackages({
      root,
      startTimer: timers.start,
      onChange: (tables, reason) => changes.push([tables, reason]),
      log: () => undefined,
      watchFolder: (_folder, onEvent) => {
        event = onEvent;
        return () => undefined;
      },
    });
    writeFileSync(join(root, 'var/lib/apt/lists/lock'), 'taken');
    event();
    timers.pass(2_000);
    expect(changes).toEqual([]);
    writeFileSync(join(root, 'var/lib/apt/lists/b_Packages'), '');
    event();
    timers.pass(2_000);
    expect(changes).toEqual([[['available_updates'], 'package lists changed']]);
  });

  it('sees the file replaced by a rename, as dpkg does it', async () => {
    const root = layOut({ '/var/lib/dpkg/status': 'Package: a\n' });
    const changes: (readonly string[])[] = [];
    const close = watchPackages({
      root,
      startTimer: (_ms, fire) => {
        const timer = setTimeout(fire, 1);
        return () => {
          clearTimeout(timer);
        };
      },
      onChange: (tables) => changes.push(tables),
      log: () => undefined,
    });
    onTestFinished(close);
    writeFileSync(join(root, 'var/lib/dpkg/status-new'), 'Package: b\n');
    renameSync(join(root, 'var/lib/dpkg/status-new'), join(root, 'var/lib/dpkg/status'));
    await vi.waitFor(() => {
      expect(changes).toContainEqual(['deb', 'available_updates']);
    });
  });
});
