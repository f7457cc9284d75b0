import { execFileSync, spawn } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { CHANGE } from '../../src/collector/fim/change.ts';
import { FanotifyListener, ruleSet } from '../support/fanotify-listener.ts';
import { FILESYSTEMS, makeFilesystem, MAKERS, type TestFilesystem } from '../support/filesystems.ts';
import { because, noLinuxRoot, noProgram } from '../support/reason.ts';
import { until } from '../support/until.ts';

const missing =
  noLinuxRoot ?? MAKERS.map(([maker, name]) => noProgram(maker, name)).find((reason) => reason !== undefined);

const METHODS = {
  ext4: 'filesystem mark',
  xfs: 'filesystem mark',
  tmpfs: 'filesystem mark',
  'btrfs subvolume': 'btrfs top-level mount',
  overlay: 'inode marks',
} as const;

/** Runs a shell script that builtins alone make up, so that its pid is the actor's. */
async function script(text: string): Promise<number> {
  const child = spawn('/bin/sh', ['-c', text], { stdio: 'ignore' });
  await new Promise((resolve) => child.once('exit', resolve));
  return child.pid!;
}

/** Directories whose files make no events, as the kernel lists the marks of this process (proc_pid_fdinfo(5)). */
function quietDirectories(): number {
  const marks = readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8').split('\n');
    } catch {
      return [];
    }
  });
  return marks.filter((line) => /^fanotify ino:.* ignored_mask:(?!0 )/.test(line)).length;
}

describe.skipIf(missing !== undefined)(`fanotify on real mounts${because(missing)}`, () => {
  const undo: (() => void | Promise<void>)[] = [];
  afterEach(async () => {
    for (const step of undo.splice(0).reverse()) await step();
  });

  const filesystem = (kind: (typeof FILESYSTEMS)[number]): TestFilesystem => {
    const made = makeFilesystem(kind);
    undo.push(made.remove);
    return made;
  };
  const listen = (...args: ConstructorParameters<typeof FanotifyListener>): FanotifyListener => {
    const listener = new FanotifyListener(...args);
    undo.push(() => listener.stop());
    return listener;
  };
  /** Marks of single directories are set while the loop turns: then the walk that is due is said. */
  const ready = async (listener: FanotifyListener, kind: string): Promise<void> => {
    if (kind === 'overlay') await until('the marks', () => listener.lost.at(0));
  };

  describe.each(FILESYSTEMS)('%s', (kind) => {
    it('R199 R208 tells what happened to a file, where, and the process that did it', async () => {
      const { point } = filesystem(kind);
      mkdirSync(join(point, 'watched'));
      mkdirSync(join(point, 'elsewhere'));
      const listener = listen(ruleSet([join(point, 'watched')]));
      await ready(listener, kind);
      const file = join(point, 'watched/file');
      const pid = await script(`echo one > ${file}; echo two >> ${point}/elsewhere/other`);
      const [created] = await listener.heard(file, ['created', 'modified', 'closedAfterWrite']);
      expect(created?.by.actor).toMatchObject({ state: 'known', process: { pid } });
      chmodSync(file, 0o600);
      await listener.heard(file, ['attributes']);
      renameSync(file, join(point, 'watched/renamed'));
      const moved = await listener.heard(join(point, 'watched/renamed'), ['movedTo']);
      expect(moved.at(-1)?.from).toBe(file);
      await listener.heard(file, ['movedFrom']);
      rmSync(join(point, 'watched/renamed'));
      await listener.heard(join(point, 'watched/renamed'), ['deleted']);
      expect(listener.changes.filter(({ path }) => path.includes('elsewhere'))).toEqual([]);
      expect(listener.source.mounts()).toMatchObject([{ mount: point, method: METHODS[kind] }]);
    });

    it('gives what lies below a moved directory its new path', async () => {
      const { point } = filesystem(kind);
      const watched = join(point, 'watched');
      mkdirSync(join(watched, 'a/b/c'), { recursive: true });
      const listener = listen(ruleSet([watched]));
      await ready(listener, kind);
      writeFileSync(join(watched, 'a/b/c/file'), 'before');
      await listener.heard(join(watched, 'a/b/c/file'), ['created']);
      renameSync(join(watched, 'a'), join(watched, 'z'));
      const [moved] = await listener.heard(join(watched, 'z'), ['movedTo']);
      expect(moved).toMatchObject({ from: join(watched, 'a'), directory: true });
      const told = listener.changes.length;
      appendFileSync(join(watched, 'z/b/c/file'), 'after');
      await listener.heard(join(watched, 'z/b/c/file'), ['modified']);
      expect(listener.changes.slice(told).filter(({ path }) => path.startsWith(join(watched, 'a')))).toEqual(
        [],
      );
    });

    it('R200 finds 500 of 500 files in new nested directories, also of those that are gone again', async () => {
      const { point } = filesystem(kind);
      const listener = listen(ruleSet([point]));
      await ready(listener, kind);
      const files = Array.from({ length: 500 }, (_, n) => {
        const directory = join(point, `d${n % 10}`, `e${n}`, 'f');
        mkdirSync(directory, { recursive: true });
        writeFileSync(join(directory, 'file'), `${n}`);
        return join(directory, 'file');
      });
      rmSync(join(point, 'd9'), { recursive: true });
      const stay = kind === 'overlay' ? files.filter((path) => !path.startsWith(join(point, 'd9'))) : files;
      const heard = (): Set<string> =>
        new Set(listener.changes.filter(({ what }) => what & CHANGE.created).map(({ path }) => path));
      await until('all files', () => (stay.every((path) => heard().has(path)) ? true : undefined), 20_000);
      await listener.heard(join(point, 'd9'), ['deleted']);
      expect(listener.lost.filter(({ reason }) => reason !== 'mount')).toEqual([]);
    });

    it('lets a filesystem be unmounted, and says that what was below is to be looked at', async () => {
      const { point, unmount, mount } = filesystem(kind);
      const listener = listen(ruleSet([point]));
      await ready(listener, kind);
      writeFileSync(join(point, 'file'), '1');
      await listener.heard(join(point, 'file'), ['created']);
      listener.lost.length = 0;
      unmount();
      await until('the loss', () => listener.lost.find(({ below }) => below.includes(point)));
      expect(listener.source.mounts().some(({ mount: at }) => at === point)).toBe(false);
      listener.lost.length = 0;
      listener.changes.length = 0;
      mount();
      await until('the mount', () => listener.source.mounts().find(({ mount: at }) => at === point));
      await until('the walk', () => listener.lost.find(({ below }) => below.includes(point)));
      await ready(listener, kind);
      writeFileSync(join(point, 'again'), '1');
      await listener.heard(join(point, 'again'), ['created']);
    });
  });

  it('hears of what overlay copies up from a lower layer', async () => {
    const { point } = filesystem('overlay');
    const listener = listen(ruleSet([point]));
    await ready(listener, 'overlay');
    appendFileSync(join(point, 'below/file'), 'more');
    await listener.heard(join(point, 'below/file'), ['modified', 'closedAfterWrite']);
    writeFileSync(join(point, 'below/new'), '1');
    await listener.heard(join(point, 'below/new'), ['created']);
    expect(listener.lost.filter(({ reason }) => reason === 'error')).toEqual([]);
  });

  it('hears names with newlines and bytes that are no UTF-8', async () => {
    const { point } = filesystem('ext4');
    const listener = listen(ruleSet([point]));
    const names = [Buffer.from('new\nline'), Buffer.from([0x61, 0xff, 0xfe]), Buffer.from('\u00e9')];
    for (const name of names) writeFileSync(Buffer.concat([Buffer.from(`${point}/`), name]), 'x');
    await listener.heard(`${point}/new\nline`, ['created']);
    await listener.heard(`${point}/a\udcff\udcfe`, ['created']);
    await listener.heard(`${point}/\u00e9`, ['created']);
  });

  it('tells the path that the rule names where a directory is mounted twice', async () => {
    const { point } = filesystem('ext4');
    const [source, shown] = [join(point, 'source'), mkdtempSync(join(tmpdir(), 'wf-bind-'))];
    mkdirSync(join(source, 'deep'), { recursive: true });
    execFileSync('mount', ['--bind', source, shown]);
    undo.push(() => {
      execFileSync('umount', [shown]);
      rmSync(shown, { recursive: true });
    });
    const listener = listen(ruleSet([shown]));
    writeFileSync(join(source, 'deep/file'), '1');
    await listener.heard(join(shown, 'deep/file'), ['created']);
    expect(listener.changes.filter(({ path }) => path.startsWith(source))).toEqual([]);
  });

  it('watches a path from when it appears, and one that is moved into its place', async () => {
    const { point } = filesystem('ext4');
    mkdirSync(join(point, 'other/deep'), { recursive: true });
    const listener = listen(ruleSet([join(point, 'a/b')]));
    writeFileSync(join(point, 'other/deep/file'), '1');
    renameSync(join(point, 'other'), join(point, 'a'));
    await listener.heard(join(point, 'a'), ['movedTo']);
    renameSync(join(point, 'a/deep'), join(point, 'a/b'));
    await listener.heard(join(point, 'a/b'), ['movedTo']);
    appendFileSync(join(point, 'a/b/file'), '2');
    await listener.heard(join(point, 'a/b/file'), ['modified']);
  });

  it('passes over what happens in the directories of the agent, but for its canary', async () => {
    const { point } = filesystem('tmpfs');
    mkdirSync(join(point, 'own'));
    const canary = join(point, 'own/canary');
    const listener = listen(ruleSet([point], [join(point, 'own')], canary));
    writeFileSync(join(point, 'own/queue'), '1');
    writeFileSync(canary, '1');
    await listener.heard(canary, ['created']);
    await script(`echo 1 > ${point}/own/others; echo 1 > ${point}/theirs`);
    await listener.heard(join(point, 'theirs'), ['created']);
    const paths = new Set(listener.changes.map(({ path }) => path));
    expect(paths).toEqual(new Set([canary, join(point, 'theirs')]));
  });

  it('follows other rules at once', async () => {
    const { point } = filesystem('tmpfs');
    for (const name of ['one', 'two']) mkdirSync(join(point, name));
    const listener = listen(ruleSet([join(point, 'one')]));
    writeFileSync(join(point, 'one/a'), '1');
    await listener.heard(join(point, 'one/a'), ['created']);
    listener.source.setRules(ruleSet([join(point, 'two')]));
    writeFileSync(join(point, 'one/b'), '1');
    writeFileSync(join(point, 'two/c'), '1');
    await listener.heard(join(point, 'two/c'), ['created']);
    expect(listener.changes.map(({ path }) => path)).not.toContain(join(point, 'one/b'));
  });

  it('has the kernel keep a busy directory quiet, until it is moved to where a rule looks', async () => {
    const { point } = filesystem('ext4');
    for (const name of ['watched', 'busy/deep']) mkdirSync(join(point, name), { recursive: true });
    const listener = listen(ruleSet([join(point, 'watched')]));
    for (let n = 0; n < 300; n += 1) writeFileSync(join(point, `busy/deep/f${n}`), 'x');
    await until('the mark', () => (quietDirectories() === 1 ? true : undefined));
    renameSync(join(point, 'busy'), join(point, 'watched/busy'));
    await listener.heard(join(point, 'watched/busy'), ['movedTo']);
    expect(quietDirectories()).toBe(0);
    appendFileSync(join(point, 'watched/busy/deep/f7'), 'y');
    await listener.heard(join(point, 'watched/busy/deep/f7'), ['modified']);
  });

  it('hears of a file that is moved or linked out of a directory that is kept quiet', async () => {
    const { point } = filesystem('ext4');
    for (const name of ['watched', 'busy']) mkdirSync(join(point, name));
    const listener = listen(ruleSet([join(point, 'watched')]));
    for (let n = 0; n < 300; n += 1) writeFileSync(join(point, `busy/f${n}`), 'x');
    await until('the mark', () => (quietDirectories() === 1 ? true : undefined));
    renameSync(join(point, 'busy/f1'), join(point, 'watched/moved'));
    linkSync(join(point, 'busy/f2'), join(point, 'watched/linked'));
    const [moved] = await listener.heard(join(point, 'watched/moved'), ['movedTo']);
    expect(moved?.from).toBe(join(point, 'busy/f1'));
    await listener.heard(join(point, 'watched/linked'), ['created']);
    expect(quietDirectories()).toBe(1);
  });

  it('says so when the queue of the kernel ran over', async () => {
    const { point } = filesystem('tmpfs');
    const listener = listen(ruleSet([point]));
    // This process reads nothing while it makes more files than any queue takes by default.
    for (let n = 0; n < 20_000; n += 1) writeFileSync(join(point, `f${n}`), '');
    await until('the overflow', () => listener.lost.find(({ reason }) => reason === 'overflow'));
    writeFileSync(join(point, 'after'), '1');
    await listener.heard(join(point, 'after'), ['created']);
  });

  it('R199 hears of 20,000 files written as fast as another process can, or says what it lost', async () => {
    const { point } = filesystem('tmpfs');
    const listener = listen(ruleSet([point]));
    const source = `const fs = require('node:fs');
      for (let n = 0; n < 20000; n += 1) fs.writeFileSync(process.argv[1] + '/f' + n, 'x');`;
    const child = spawn(process.execPath, ['-e', source, point], { stdio: 'ignore' });
    await new Promise((resolve) => child.once('exit', resolve));
    writeFileSync(join(point, 'last'), '1');
    await listener.heard(join(point, 'last'), ['created']);
    const closed = new Set(
      listener.changes.filter(({ what }) => what & CHANGE.closedAfterWrite).map(({ path }) => path),
    );
    const all = Array.from({ length: 20_000 }, (_, n) => join(point, `f${n}`));
    const unheard = all.filter((path) => !closed.has(path)).length;
    const overflows = listener.lost.filter(({ reason }) => reason === 'overflow').length;
    console.log(`20,000 files: ${unheard} not heard of, ${overflows} overflows`);
    expect(unheard === 0 || overflows > 0).toBe(true);
  });
});
