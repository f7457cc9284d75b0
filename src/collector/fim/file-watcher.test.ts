import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { because, noLinux } from '../../../test/support/reason.ts';
import { until } from '../../../test/support/until.ts';
import { FimRuleParams, type FimRule } from '../../shared/file-integrity.ts';
import type { StartTimer } from '../debounce.ts';
import { processTimer } from '../debounce.ts';
import { CHANGE, type LostChanges, type RawChange } from './change.ts';
import { FileWatcher, type FileWatcherOptions } from './file-watcher.ts';
import { MountTable } from './linux/mount-table.ts';
import { RuleSet } from './rule-set.ts';
import type { WatchPort } from './watcher/subscribe.ts';

const rule = (params: Readonly<Record<string, unknown>>): FimRule => ({
  id: 'rule',
  ...FimRuleParams.parse({ kind: 'directory', ...params }),
});

let tree: string;
let watchers: FileWatcher[] = [];

beforeEach(() => {
  tree = realpathSync(mkdtempSync(join(tmpdir(), 'wf-watcher-')));
  chmodSync(tree, 0o755);
});
afterEach(async () => {
  await Promise.all(watchers.map((watcher) => watcher.stop()));
  watchers = [];
  rmSync(tree, { recursive: true, force: true });
});

interface Heard {
  readonly changes: RawChange[];
  readonly lost: LostChanges[];
  readonly failed: string[];
}

/** A watcher over real directories; `looks` fires the timer that looks after the roots. */
async function watching(
  rules: readonly FimRule[],
  port?: WatchPort,
  own: readonly string[] = [],
  more: Partial<Pick<FileWatcherOptions, 'covers' | 'mountTable'>> & { canary?: string } = {},
) {
  const heard: Heard = { changes: [], lost: [], failed: [] };
  let look = (): void => undefined;
  const startTimer: StartTimer = (ms, fire) => {
    if (ms !== 5_000) return processTimer(ms, fire);
    look = fire;
    return () => undefined;
  };
  const watcher = new FileWatcher({
    os: 'linux',
    now: () => 1_000,
    startTimer,
    changes: (changes) => heard.changes.push(...changes),
    lost: (lost) => heard.lost.push(lost),
    failed: (text) => heard.failed.push(text),
    ...(port === undefined ? {} : { port }),
    ...(more.covers === undefined ? {} : { covers: more.covers }),
    ...(more.mountTable === undefined ? {} : { mountTable: more.mountTable }),
  });
  watchers.push(watcher);
  watcher.start();
  await watcher.setRules(new RuleSet(rules, own, 'linux', more.canary));
  const find = (path: string, bit: number) =>
    until(
      `${path} with ${bit}`,
      () => heard.changes.find((c) => c.path === path && (c.what & bit) !== 0),
      15_000,
    );
  const lostBelow = (path: string) =>
    until(`lost below ${path}`, () => heard.lost.find(({ below }) => below.includes(path)), 15_000);
  return {
    watcher,
    heard,
    find,
    lostBelow,
    look: () => {
      look();
    },
  };
}

describe.skipIf(noLinux !== undefined)(`the file watcher${because(noLinux)}`, () => {
  it.each([
    ['below a rule', 'tree'],
    ['elsewhere', 'rules'],
  ])("tells of the agent's canary %s, and of nothing else in its directory", async (_where, watched) => {
    const [own, rules] = [join(tree, 'own'), join(tree, 'rules')];
    for (const directory of [own, rules]) mkdirSync(directory);
    const canary = join(own, 'canary');
    const root = watched === 'tree' ? tree : rules;
    const { find, heard } = await watching([rule({ path: root })], undefined, [own], { canary });
    writeFileSync(join(own, 'ledger.db'), '1');
    writeFileSync(canary, '1');
    await find(canary, CHANGE.created);
    writeFileSync(canary, '2');
    await find(canary, CHANGE.modified);
    expect(heard.changes.filter(({ path }) => path.endsWith('ledger.db'))).toEqual([]);
  });

  it('shows a file that comes later as watched', async () => {
    const path = join(tree, 'later');
    const { watcher, find, look } = await watching([rule({ kind: 'file', path })]);
    expect(watcher.mounts()).toMatchObject([{ method: 'file watcher', note: 'does not exist yet' }]);
    writeFileSync(path, '1');
    await find(path, CHANGE.created);
    look();
    await until('the state', () => watcher.mounts().find(({ note }) => note === undefined));
    rmSync(path);
    await find(path, CHANGE.deleted);
    look();
    await until('the state', () => watcher.mounts().find(({ note }) => note === 'does not exist yet'));
  });

  it('R208 asks nothing of a server: neither where a rule leads there, nor where it is mounted below one', async () => {
    const server = join(tree, 'server');
    mkdirSync(join(server, 'data'), { recursive: true });
    const mountinfo = `1 0 8:1 / / rw - ext4 /dev/sda rw\n2 1 0:50 / ${server} rw - nfs4 host:/x rw\n`;
    const trees: [string, readonly string[]][] = [];
    const port: WatchPort = {
      tree: (directory, ignore) => {
        trees.push([directory, ignore]);
        return Promise.resolve(() => Promise.resolve());
      },
      entries: () => () => undefined,
    };
    const rules = [rule({ path: tree }), rule({ path: join(server, 'data') })];
    const mountTable = (): MountTable => new MountTable(Buffer.from(mountinfo));
    const { watcher } = await watching(rules, port, [], { mountTable });
    expect(trees).toEqual([[tree, [server]]]);
    expect(watcher.mounts()).toMatchObject([
      { mount: tree, filesystem: 'ext4', method: 'file watcher' },
      { mount: join(server, 'data'), filesystem: 'nfs4', method: 'rescan only' },
    ]);
  });

  it('leaves alone the roots that another source covers', async () => {
    const [mine, theirs] = [join(tree, 'mine'), join(tree, 'theirs')];
    for (const directory of [mine, theirs]) mkdirSync(directory);
    const rules = [rule({ path: mine }), rule({ path: theirs })];
    const { find, watcher, heard } = await watching(rules, undefined, [], {
      covers: (root) => root === mine,
    });
    expect(watcher.mounts().map(({ mount }) => mount)).toEqual([mine]);
    writeFileSync(join(theirs, 'a'), '1');
    writeFileSync(join(mine, 'a'), '1');
    await find(join(mine, 'a'), CHANGE.created);
    expect(heard.changes.every(({ path }) => path.startsWith(mine))).toBe(true);
  });

  it('R200 R208 tells what is made, written, given other rights and removed, and that it knows no actor', async () => {
    const { find, watcher } = await watching([rule({ path: tree })]);
    const file = join(tree, 'a b');
    writeFileSync(file, 'one');
    const made = await find(file, CHANGE.created);
    expect(made).toMatchObject({ directory: false, at: 1_000 });
    expect(made.by.actor).toEqual({
      state: 'unknown',
      reason: 'the file watcher does not tell who made a change',
    });
    chmodSync(file, 0o600);
    await find(file, CHANGE.attributes);
    rmSync(file);
    await find(file, CHANGE.deleted);
    expect(watcher.mounts()).toEqual([
      { mount: tree, filesystem: expect.any(String) as string, method: 'file watcher' },
    ]);
    expect(watcher.mounts()[0]?.filesystem).not.toBe('unknown');
  });

  it('does not watch what the rules exclude, and reports nothing of the agent itself', async () => {
    for (const name of ['node_modules', 'src', 'own']) mkdirSync(join(tree, name));
    const ignored: (readonly string[])[] = [];
    const { systemWatchers } = await import('./watcher/subscribe.ts');
    const port: WatchPort = {
      ...systemWatchers,
      tree: (directory, ignore, hear) => {
        ignored.push(ignore);
        return systemWatchers.tree(directory, ignore, hear);
      },
    };
    const rules = [rule({ path: tree, exclude: ['node_modules', '*.tmp'] })];
    const { heard, find } = await watching(rules, port, [join(tree, 'own')]);
    expect([...(ignored[0] ?? [])].sort()).toEqual([join(tree, 'node_modules'), join(tree, 'own')]);
    writeFileSync(join(tree, 'node_modules', 'x'), '');
    writeFileSync(join(tree, 'own', 'x'), '');
    writeFileSync(join(tree, 'x.tmp'), '');
    writeFileSync(join(tree, 'src', 'x'), '');
    await find(join(tree, 'src', 'x'), CHANGE.created);
    expect(new Set(heard.changes.map(({ path }) => path))).toEqual(new Set([join(tree, 'src', 'x')]));
  });

  it('R200 has a new directory walked, and watches directories that were made inside it', async () => {
    const { find, heard, lostBelow } = await watching([rule({ path: tree })]);
    mkdirSync(join(tree, 'a', 'b', 'c'), { recursive: true });
    await lostBelow(join(tree, 'a'));
    await lostBelow(tree);
    expect(new Set(heard.lost.map(({ reason }) => reason))).toEqual(new Set(['error', 'restart']));
    writeFileSync(join(tree, 'a', 'b', 'c', 'deep'), '');
    await find(join(tree, 'a', 'b', 'c', 'deep'), CHANGE.created);
  });

  it('R200 follows a tree that was moved inside the root', async () => {
    mkdirSync(join(tree, 'old', 'deep'), { recursive: true });
    const { find, lostBelow } = await watching([rule({ path: tree })]);
    renameSync(join(tree, 'old'), join(tree, 'new'));
    await find(join(tree, 'old'), CHANGE.deleted);
    await lostBelow(tree);
    writeFileSync(join(tree, 'new', 'deep', 'file'), '');
    await find(join(tree, 'new', 'deep', 'file'), CHANGE.created);
  });

  it('has the directory walked where a name is not valid UTF-8, since the library gives another one', async () => {
    mkdirSync(join(tree, 'names'));
    const { heard, lostBelow } = await watching([rule({ path: tree })]);
    writeFileSync(Buffer.concat([Buffer.from(`${tree}/names/`), Buffer.of(0xff), Buffer.from('\nx')]), '');
    expect(await lostBelow(join(tree, 'names'))).toEqual({ reason: 'error', below: [join(tree, 'names')] });
    expect(heard.changes).toEqual([]);
  });

  it('says that a root with such a name can only be walked', async () => {
    const bytes = Buffer.concat([Buffer.from(`${tree}/`), Buffer.of(0xe9)]);
    mkdirSync(bytes);
    const { watcher, heard } = await watching([rule({ path: `${tree}/\udce9` })]);
    expect(watcher.mounts()).toMatchObject([
      { mount: `${tree}/%E9`, method: 'rescan only', note: "can't be watched: its name is not valid UTF-8" },
    ]);
    expect(heard.failed).toHaveLength(1);
  });

  it('watches a root that comes later, and says until then that it is not there', async () => {
    const root = join(tree, 'one', 'two');
    const { watcher, find, look, lostBelow } = await watching([rule({ path: root })]);
    expect(watcher.mounts()).toMatchObject([{ method: 'file watcher', note: 'does not exist yet' }]);
    mkdirSync(root, { recursive: true });
    look();
    await lostBelow(root);
    expect(watcher.mounts()).toEqual([expect.not.objectContaining({ note: expect.anything() as string })]);
    writeFileSync(join(root, 'file'), '');
    await find(join(root, 'file'), CHANGE.created);
  });

  it('sees a root come whose parent is there without waiting for its timer', async () => {
    const root = join(tree, 'late');
    const { find, lostBelow } = await watching([rule({ path: root })]);
    mkdirSync(root);
    expect((await find(root, CHANGE.created)).directory).toBe(true);
    await lostBelow(root);
    writeFileSync(join(root, 'file'), '');
    await find(join(root, 'file'), CHANGE.created);
  });

  it('notices that a root is gone, and watches the one that takes its place', async () => {
    const root = join(tree, 'root');
    mkdirSync(join(root, 'sub'), { recursive: true });
    const { find, heard, lostBelow, look } = await watching([rule({ path: root })]);
    rmSync(root, { recursive: true });
    await find(root, CHANGE.deleted);
    await lostBelow(root);
    heard.lost.length = 0;
    mkdirSync(join(root, 'sub'), { recursive: true });
    look();
    await lostBelow(root);
    writeFileSync(join(root, 'sub', 'file'), '');
    await find(join(root, 'sub', 'file'), CHANGE.created);
  });

  it('notices that a root was exchanged from above, which no watch tells', async () => {
    const root = join(tree, 'above', 'root');
    mkdirSync(root, { recursive: true });
    const { find, look, lostBelow, heard } = await watching([rule({ path: root })]);
    look();
    renameSync(join(tree, 'above'), join(tree, 'other'));
    mkdirSync(root, { recursive: true });
    expect(heard.lost).toEqual([]);
    look();
    await lostBelow(root);
    writeFileSync(join(root, 'file'), '');
    await find(join(root, 'file'), CHANGE.created);
  });

  it('watches a file through its directory, over an atomic save, and none of its neighbours', async () => {
    const file = join(tree, 'hosts');
    writeFileSync(file, '1');
    const { heard, find } = await watching([rule({ kind: 'file', path: file })]);
    writeFileSync(join(tree, 'neighbour'), '');
    writeFileSync(join(tree, 'hosts.new'), '2');
    renameSync(join(tree, 'hosts.new'), file);
    await find(file, CHANGE.created);
    heard.changes.length = 0;
    writeFileSync(file, '3');
    await find(file, CHANGE.modified);
    rmSync(file);
    await find(file, CHANGE.deleted);
    expect(new Set(heard.changes.map(({ path }) => path))).toEqual(new Set([file]));
  });

  it('never follows a root that is a link', async () => {
    mkdirSync(join(tree, 'target'));
    symlinkSync('target', join(tree, 'link'));
    const { heard, find } = await watching([rule({ kind: 'symlink', path: join(tree, 'link') })]);
    writeFileSync(join(tree, 'target', 'file'), '');
    rmSync(join(tree, 'link'));
    await find(join(tree, 'link'), CHANGE.deleted);
    expect(heard.changes.filter(({ path }) => path !== join(tree, 'link'))).toEqual([]);
  });

  it('watches no deeper than a rule goes, but to a root further down', async () => {
    mkdirSync(join(tree, 'sub'));
    const deep = join(tree, 'sub', 'deep');
    const rules = [rule({ path: tree, recursive: false }), rule({ path: deep })];
    const { heard, find, look } = await watching(rules);
    writeFileSync(join(tree, 'sub', 'not this'), '');
    writeFileSync(join(tree, 'this'), '');
    await find(join(tree, 'this'), CHANGE.created);
    mkdirSync(deep);
    look();
    await find(deep, CHANGE.created);
    expect(heard.changes.filter(({ path }) => path.endsWith('not this'))).toEqual([]);
  });

  it('R208 has everything walked after a burst that the kernel may have dropped a part of', async () => {
    const { heard, lostBelow } = await watching([rule({ path: tree })]);
    for (let at = 0; at < 8_000; at += 1) writeFileSync(join(tree, `f${at}`), '');
    expect((await lostBelow(tree)).reason).toBe('overflow');
    expect(heard.changes.length).toBeGreaterThan(1_000);
  });

  it('tries again a minute after a watch could not be had, and says which root it is', async () => {
    let refuse = true;
    const port: WatchPort = {
      tree: () =>
        refuse
          ? Promise.reject(new Error('inotify_add_watch failed: No space left on device'))
          : Promise.resolve(() => Promise.resolve()),
      entries: () => () => undefined,
    };
    const { watcher, heard, look, lostBelow } = await watching([rule({ path: tree })], port);
    expect(watcher.mounts()).toMatchObject([{ method: 'rescan only' }]);
    expect(watcher.mounts()[0]?.note).toContain('fs.inotify.max_user_watches');
    expect(heard.failed).toEqual([expect.stringContaining(`${tree}: the limit of inotify watches`)]);
    refuse = false;
    for (let at = 0; at < 11; at += 1) look();
    await until('eleven looks', () => (watcher.mounts()[0]?.method === 'rescan only' ? true : undefined));
    look();
    await lostBelow(tree);
    expect(watcher.mounts()).toMatchObject([{ method: 'file watcher' }]);
    await until('the end of the trouble', () => heard.failed.find((text) => text === ''));
  });

  it('watches anew after the library gave up, and has everything walked', async () => {
    const opened: ((error: Error) => void)[] = [];
    const port: WatchPort = {
      tree: (_directory, _ignore, { broke }) => {
        opened.push(broke);
        return Promise.resolve(() => Promise.resolve());
      },
      entries: () => () => undefined,
    };
    const { watcher, lostBelow } = await watching([rule({ path: tree })], port);
    opened[0]?.(new Error('Buffer overflow. Some events may have been lost.'));
    expect(watcher.mounts()).toMatchObject([
      { note: "can't be watched: Buffer overflow. Some events may have been lost." },
    ]);
    expect((await lostBelow(tree)).reason).toBe('restart');
    expect(opened).toHaveLength(2);
    expect(watcher.mounts()).toMatchObject([{ method: 'file watcher' }]);
  });

  it('stops hearing with new rules', async () => {
    mkdirSync(join(tree, 'a'));
    mkdirSync(join(tree, 'b'));
    const { watcher, heard, find } = await watching([rule({ path: join(tree, 'a') })]);
    await watcher.setRules(new RuleSet([rule({ path: join(tree, 'b') })], [], 'linux'));
    writeFileSync(join(tree, 'a', 'file'), '');
    writeFileSync(join(tree, 'b', 'file'), '');
    await find(join(tree, 'b', 'file'), CHANGE.created);
    expect(new Set(heard.changes.map(({ path }) => path))).toEqual(new Set([join(tree, 'b', 'file')]));
  });
});
