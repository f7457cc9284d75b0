import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { until } from '../../../../test/support/until.ts';
import { FakeClock } from '../../agent/testing/fake-clock.ts';
import { resolvePaths } from '../../host/paths.ts';
import { openSealedFiles } from '../../host/secrets/sealed-file.ts';
import { DEBOUNCE_MS, POLL_MS } from '../../host/watch-content.ts';
import type { WatchFolder } from '../../host/watch-folder.ts';
import { writeProxyCredentials } from './proxy-credentials.ts';
import { fileSettings } from './settings-files.ts';
import { watchProxySettings } from './watch-proxy.ts';

let root: string;
let clock: FakeClock;
let calls: number;
let stop: () => void;
const at = (path: string): string => join(root, path);
const OWN = '/etc/default/wayfarer-agent';

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'wf-watch-'));
  clock = new FakeClock();
  calls = 0;
});
afterEach(() => {
  stop();
  rmSync(root, { recursive: true, force: true });
});

function start(watchFolder?: WatchFolder): void {
  const { proxy: places, secretsDir } = resolvePaths('linux', root, {});
  stop = watchProxySettings({
    source: fileSettings(places),
    places,
    secretsDir,
    clock,
    changed: () => {
      calls += 1;
    },
    ...(watchFolder !== undefined && { watchFolder }),
  });
}
const put = (text: string): void => {
  mkdirSync(at('/etc/default'), { recursive: true });
  writeFileSync(at(OWN), text);
};
const poll = (): void => {
  clock.jumpTo(clock.now() + POLL_MS);
};
const lookSoon = (): boolean => clock.nextAt === clock.now() + DEBOUNCE_MS;

/** Double of a folder watch that a test steers: what is watched, and ways to say what happened. */
function steered() {
  const folders = new Map<string, { changed: (name: string | null) => void; lost: () => void }>();
  const watchFolder: WatchFolder = (folder, changed, lost) => {
    const name = folder.slice(root.length);
    if (['/etc/sysconfig', '/var/lib/wayfarer/secrets'].includes(name)) throw new Error('ENOENT');
    folders.set(name, { changed, lost });
    return () => folders.delete(name);
  };
  return { folders, watchFolder };
}

describe('watching the proxy settings', () => {
  it('R258 tells a change soon after the file was written, once', async () => {
    put('wayfarer_https_proxy=http://a:1\n');
    start();
    writeFileSync(at(`${OWN}.new`), 'wayfarer_https_proxy=http://b:1\n');
    renameSync(at(`${OWN}.new`), at(OWN));
    await until('a sign of change', () => (lookSoon() ? true : undefined));
    expect(calls).toBe(0);
    clock.jumpTo(clock.now() + DEBOUNCE_MS);
    expect(calls).toBe(1);
    poll();
    expect(calls).toBe(1);
  });

  it('is silent about a file that was only touched, and about a comment', () => {
    const { folders, watchFolder } = steered();
    put('wayfarer_https_proxy=http://a:1\n');
    start(watchFolder);
    put('# a comment\nwayfarer_https_proxy="http://a:1"\n');
    folders.get('/etc/default')?.changed('wayfarer-agent');
    clock.jumpTo(clock.now() + DEBOUNCE_MS);
    poll();
    expect(calls).toBe(0);
  });

  it('looks once after many signs, and not at all after signs of other files', () => {
    const { folders, watchFolder } = steered();
    start(watchFolder);
    put('wayfarer_https_proxy=http://a:1\n');
    folders.get('/etc')?.changed('passwd');
    expect(lookSoon()).toBe(false);
    for (const name of ['environment', 'environment', null]) folders.get('/etc')?.changed(name);
    expect(lookSoon()).toBe(true);
    clock.jumpTo(clock.now() + DEBOUNCE_MS);
    expect(calls).toBe(1);
    expect(clock.nextAt).toBeGreaterThan(clock.now() + DEBOUNCE_MS);
  });

  it('finds a file in a folder that was not there at first, and that it is gone', () => {
    start();
    put('wayfarer_https_proxy=http://a:1\n');
    poll();
    expect(calls).toBe(1);
    rmSync(at('/etc'), { recursive: true });
    poll();
    expect(calls).toBe(2);
  });

  it('tells a setting that became invalid', () => {
    put('wayfarer_https_proxy=http://a:1\n');
    start();
    put('wayfarer_https_proxy="http://a:1\n');
    poll();
    expect(calls).toBe(1);
  });

  it('watches a folder again after its watch was lost', () => {
    const { folders, watchFolder } = steered();
    start(watchFolder);
    expect([...folders.keys()].sort()).toEqual(['/etc', '/etc/default']);
    folders.get('/etc')?.lost();
    expect([...folders.keys()]).toEqual(['/etc/default']);
    poll();
    expect([...folders.keys()].sort()).toEqual(['/etc', '/etc/default']);
  });

  it('R258 tells credentials that were set, set again and removed, and no other secret', async () => {
    const secretsDir = at('/var/lib/wayfarer/secrets');
    mkdirSync(secretsDir, { recursive: true });
    const store = openSealedFiles(secretsDir);
    start();
    const set = async (password: string): Promise<void> => {
      await writeProxyCredentials(store, { username: 'roamer', password });
    };
    await set('first');
    await until('a sign of change', () => (lookSoon() ? true : undefined));
    clock.jumpTo(clock.now() + DEBOUNCE_MS);
    expect(calls).toBe(1);
    await set('first');
    poll();
    expect(calls).toBe(2);
    await store.set('agent-key', 'something else');
    poll();
    expect(calls).toBe(2);
    await writeProxyCredentials(store, undefined);
    poll();
    expect(calls).toBe(3);
  });

  it('ends every watch and timer when it is stopped', () => {
    const { folders, watchFolder } = steered();
    start(watchFolder);
    folders.get('/etc')?.changed(null);
    stop();
    expect(folders.size).toBe(0);
    expect(clock.nextAt).toBeUndefined();
  });
});
