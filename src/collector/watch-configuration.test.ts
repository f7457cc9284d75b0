import { mkdirSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { until } from '../../test/support/until.ts';
import type { WatchedPath } from '../shared/collector.ts';
import type { StartTimer } from './debounce.ts';
import { layOut } from './testing/host.ts';
import { ConfigurationWatch } from './watch-configuration.ts';
import type { WatchFolder } from './watch-folders.ts';

const SSHD: WatchedPath = { path: '/etc/ssh/sshd_config', types: ['PolicyCompliance'] };
const HOSTS: WatchedPath = { path: '/etc/hosts', types: ['UDC', 'PolicyCompliance'] };

describe('watched configuration', () => {
  let root: string;
  /** Timers that a test fires: their lengths and what they do. */
  let timers: { ms: number; fire: () => void }[];
  let changes: { types: readonly string[]; reason: string }[];
  let log: string[];
  const at = (path: string): string => join(root, path);
  const startTimer: StartTimer = (ms, fire) => {
    const timer = { ms, fire };
    timers.push(timer);
    return () => (timers = timers.filter((one) => one !== timer));
  };
  const fire = (ms: number): void => {
    for (const timer of timers.filter((one) => one.ms === ms)) {
      timers = timers.filter((one) => one !== timer);
      timer.fire();
    }
  };
  const open = (watchFolder?: WatchFolder): ConfigurationWatch =>
    new ConfigurationWatch({
      root,
      os: 'linux',
      startTimer,
      onChange: (types, reason) => changes.push({ types, reason }),
      log: (_level, message) => log.push(message),
      ...(watchFolder !== undefined && { watchFolder }),
    });
  /** Folder watches that a test steers. */
  const steered = () => {
    const events = new Map<string, () => void>();
    const failures = new Map<string, (error: unknown) => void>();
    const absent = new Set<string>();
    const watchFolder: WatchFolder = (folder, onEvent, onError) => {
      const name = folder.slice(root.length);
      if (absent.has(name)) throw new Error('ENOENT');
      events.set(name, onEvent);
      failures.set(name, onError);
      return () => events.delete(name);
    };
    return { events, failures, absent, watchFolder };
  };

  beforeEach(() => {
    root = layOut({ '/etc/ssh/sshd_config': 'PermitRootLogin no\n', '/etc/hosts': '127.0.0.1 localhost\n' });
    timers = [];
    changes = [];
    log = [];
  });

  it('R026 asks for a cycle of the types that look at a file that was replaced', async () => {
    const watch = open();
    watch.set([SSHD, HOSTS]);
    writeFileSync(at('/etc/ssh/sshd_config.new'), 'PermitRootLogin yes\n');
    renameSync(at('/etc/ssh/sshd_config.new'), at('/etc/ssh/sshd_config'));
    await until('a sign of change', () => (timers.length > 0 ? true : undefined));
    fire(2_000);
    expect(changes).toEqual([
      { types: ['PolicyCompliance'], reason: 'configuration changed: /etc/ssh/sshd_config' },
    ]);
    watch.close();
  });

  it('R026 counts new rights, and a file that is removed or made, for a change', () => {
    const { events, watchFolder } = steered();
    open(watchFolder).set([HOSTS]);
    const change = (): void => {
      events.get('/etc')?.();
      fire(2_000);
    };
    rmSync(at('/etc/hosts'));
    change();
    writeFileSync(at('/etc/hosts'), '');
    change();
    utimesSync(at('/etc/hosts'), 1, 1);
    change();
    expect(changes).toHaveLength(3);
    expect(changes[0]?.types).toEqual(['UDC', 'PolicyCompliance']);
  });

  it('is silent about other files of the folder, and about one that is the same', () => {
    const { events, watchFolder } = steered();
    open(watchFolder).set([HOSTS]);
    writeFileSync(at('/etc/motd'), 'hello');
    events.get('/etc')?.();
    fire(2_000);
    expect(changes).toEqual([]);
  });

  it('is one change after a burst, at the latest half a minute after its begin, and counts the files', () => {
    const { events, watchFolder } = steered();
    open(watchFolder).set([SSHD, HOSTS]);
    for (const path of ['/etc/hosts', '/etc/ssh/sshd_config']) writeFileSync(at(path), 'changed');
    for (let n = 0; n < 5; n += 1) events.get('/etc')?.();
    expect(timers.map(({ ms }) => ms).sort()).toEqual([2_000, 30_000]);
    fire(30_000);
    expect(changes).toEqual([
      {
        types: ['PolicyCompliance', 'UDC'],
        reason: 'configuration changed: /etc/ssh/sshd_config and 1 more',
      },
    ]);
  });

  it('comes back to a folder that was not there, and to one whose watch was lost', () => {
    const { events, failures, absent, watchFolder } = steered();
    absent.add('/etc/new');
    open(watchFolder).set([{ path: '/etc/new/agent.conf', types: ['SCA'] }, HOSTS]);
    expect([...events.keys()]).toEqual(['/etc']);
    absent.delete('/etc/new');
    mkdirSync(at('/etc/new'));
    writeFileSync(at('/etc/new/agent.conf'), 'x');
    fire(60_000);
    fire(2_000);
    expect(changes.map(({ types }) => types)).toEqual([['SCA']]);
    failures.get('/etc')?.(new Error('EIO'));
    expect(events.has('/etc')).toBe(false);
    writeFileSync(at('/etc/hosts'), 'changed');
    fire(60_000);
    fire(2_000);
    expect(events.has('/etc')).toBe(true);
    expect(changes).toHaveLength(2);
  });

  it('watches nothing outside what a table may read, nor more folders than it may', () => {
    const { events, watchFolder } = steered();
    const paths = ['/etc/../../secret', 'relative', '/a//b', `/${'x'.repeat(5_000)}`];
    const many = Array.from({ length: 300 }, (_, n) => `/srv/${String(n)}/file`);
    open(watchFolder).set([...paths, ...many].map((path) => ({ path, types: ['UDC'] })));
    expect(events.size).toBe(256);
    expect([...events.keys()].every((folder) => folder.startsWith('/srv/'))).toBe(true);
    expect(log.join()).toContain('44 folders');
  });

  it('ends the watches before when it is given others', () => {
    const { events, watchFolder } = steered();
    const watch = open(watchFolder);
    watch.set([SSHD]);
    watch.set([HOSTS]);
    expect([...events.keys()]).toEqual(['/etc']);
    watch.close();
    expect(events.size).toBe(0);
    expect(timers).toEqual([]);
  });
});
