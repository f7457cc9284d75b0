import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  closeSync,
  copyFileSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { FimEvent } from '../../src/shared/host-events.ts';
import { because, noLinuxRoot, noProgram } from '../support/reason.ts';
import { actorsOf, WatchedTree, type WatchedDirectory } from '../support/watched-tree.ts';

/** Runs a program of the system, unchanged, in the watched tree. */
function work(cwd: string, file: string, ...args: string[]): void {
  execFileSync(file, args, { cwd, stdio: ['ignore', 'ignore', 'pipe'], timeout: 110_000 });
}

/** A program of shell commands; each is a process of its own. */
const shell = (cwd: string, script: string): void => work(cwd, '/bin/sh', '-euc', script);

const paths = (events: readonly FimEvent[], action: string): string[] =>
  events.filter(({ event }) => event.action === action).map(({ file }) => file.path);

/** Whoever is named was one of these programs; how many have no name is printed. */
function expectActors(events: readonly FimEvent[], ...programs: string[]): void {
  const actors = actorsOf(events);
  const named = Object.keys(actors).filter((name) => !name.startsWith('unknown'));
  console.log(JSON.stringify(actors));
  expect(programs).toEqual(expect.arrayContaining(named.map((name) => name.split('/').at(-1) ?? '')));
}

describe.skipIf(noLinuxRoot !== undefined)(
  `file integrity under the work of unchanged programs${because(noLinuxRoot)}`,
  () => {
    let watched: WatchedTree;
    let tree: WatchedDirectory;
    beforeAll(async () => {
      watched = new WatchedTree();
      await watched.watch();
    });
    beforeEach(() => {
      tree = watched.directory();
    });
    afterAll(() => watched.close());

    it('R199 R200 R208 accounts for every change of an archive unpacked, changed and removed', async () => {
      shell(
        tree.root,
        'mkdir src; for i in $(seq 300); do echo $i > src/$i; done; tar cf all.tar src; rm -r src',
      );
      await tree.accounted();
      work(tree.root, 'tar', 'xf', 'all.tar');
      const unpacked = await tree.accounted();
      expect(paths(unpacked, 'created')).toHaveLength(301);
      expectActors(unpacked, 'tar');
      work(tree.root, 'chmod', '-R', 'o-r', 'src');
      const changed = await tree.accounted();
      expect(new Set(changed.map(({ event }) => event.action))).toEqual(new Set(['attributes_modified']));
      expect(changed[0]?.wayfarer.changed).toEqual(['mode']);
      expectActors(changed, 'chmod');
      work(tree.root, 'rm', '-r', 'src');
      const removed = await tree.accounted();
      expect(paths(removed, 'deleted')).toHaveLength(301);
      expectActors(removed, 'rm');
    });

    it.skipIf(noProgram('git', 'git') !== undefined)(
      `accounts for a clone and checkouts${because(noProgram('git', 'git'))}`,
      async () => {
        const origin = join(watched.outside, 'origin');
        mkdirSync(origin);
        const git = (...args: string[]): void =>
          work(origin, 'git', '-c', 'user.name=a', '-c', 'user.email=a@b', ...args);
        git('init', '-q', '-b', 'main');
        for (const branch of ['one', 'two']) {
          for (let n = 0; n < 60; n += 1) writeFileSync(join(origin, `f${n}`), `${branch} ${n}\n`);
          mkdirSync(join(origin, branch));
          writeFileSync(join(origin, branch, 'only'), branch);
          git('add', '.');
          git('commit', '-qm', branch);
          git('tag', branch);
        }
        await tree.accounted();
        work(tree.root, 'git', 'clone', '-q', origin, 'clone');
        expectActors(await tree.accounted(), 'git');
        work(join(tree.root, 'clone'), 'git', 'checkout', '-q', 'one');
        const checkout = await tree.accounted();
        expect(paths(checkout, 'updated').length).toBeGreaterThanOrEqual(60);
        expect(paths(checkout, 'deleted')).toContain(join(tree.root, 'clone/two/only'));
        expectActors(checkout, 'git');
      },
    );

    it('R200 sees an editor save through another file as a change of the one that it replaces', async () => {
      writeFileSync(join(tree.root, 'passwd'), 'root:x:0:0\n');
      await tree.accounted();
      shell(tree.root, 'sed -i s/root/toor/ passwd');
      const events = await tree.accounted();
      expect(paths(events, 'updated')).toEqual([join(tree.root, 'passwd')]);
      const [updated] = events.filter(({ event }) => event.action === 'updated');
      expect(updated?.wayfarer.changed).toContain('content');
      expect(updated?.wayfarer.before?.hash?.sha256).not.toBe(updated?.file.hash?.sha256);
      expectActors(events, 'sed');
    });

    it.skipIf(noProgram('rsync', 'rsync') !== undefined)(
      `accounts for a synchronised copy${because(noProgram('rsync', 'rsync'))}`,
      async () => {
        await tree.accounted();
        work(tree.root, 'rsync', '-a', '--delete', '/etc/default/', '/etc/cron.d', '/etc/apt', 'copy/');
        expectActors(await tree.accounted(), 'rsync');
        appendFileSync(join(tree.root, 'copy', 'more'), 'x');
        expect(paths(await tree.accounted(), 'created')).toEqual([join(tree.root, 'copy', 'more')]);
        work(tree.root, 'rsync', '-a', '--delete', '/etc/default/', '/etc/cron.d', '/etc/apt', 'copy/');
        expect(paths(await tree.accounted(), 'deleted')).toEqual([join(tree.root, 'copy', 'more')]);
      },
    );

    it.skipIf(noProgram('npm', 'npm') !== undefined)(
      `accounts for npm ci${because(noProgram('npm', 'npm'))}`,
      async () => {
        const npm = (cwd: string, ...args: string[]): void =>
          work(
            cwd,
            'npm',
            ...args,
            '--offline',
            '--no-audit',
            '--no-fund',
            '--cache',
            join(watched.outside, 'npm'),
          );
        const dependencies: Record<string, string> = {};
        for (const name of ['one', 'two']) {
          const source = join(watched.outside, name);
          mkdirSync(join(source, 'lib'), { recursive: true });
          writeFileSync(
            join(source, 'package.json'),
            JSON.stringify({ name, version: '1.0.0', bin: 'run.js' }),
          );
          writeFileSync(join(source, 'run.js'), '#!/usr/bin/env node\n');
          for (let n = 0; n < 100; n += 1) writeFileSync(join(source, 'lib', `${n}.js`), `${name} ${n}`);
          npm(watched.outside, 'pack', source);
          dependencies[name] = `file:${join(watched.outside, `${name}-1.0.0.tgz`)}`;
        }
        writeFileSync(join(tree.root, 'package.json'), JSON.stringify({ dependencies }));
        npm(tree.root, 'install', '--package-lock-only');
        await tree.accounted();
        npm(tree.root, 'ci');
        const events = await tree.accounted();
        expect(paths(events, 'created').length).toBeGreaterThan(200);
        expectActors(events, 'node');
        expect(readdirSync(join(tree.root, 'node_modules/.bin')).sort()).toEqual(['one', 'two']);
      },
    );

    it('accounts for rotated logs, also while one is written to', async () => {
      const log = join(tree.root, 'app.log');
      const fd = openSync(log, 'a');
      await tree.accounted();
      for (let n = 0; n < 50; n += 1) appendFileSync(fd, `line ${n}\n`);
      shell(tree.root, 'mv app.log app.log.1; touch app.log; chmod 600 app.log; gzip -k app.log.1');
      appendFileSync(fd, 'one more to the old one\n');
      closeSync(fd);
      const events = await tree.accounted();
      expect(paths(events, 'moved')).toEqual([`${log}.1`]);
      expectActors(events, 'mv', 'touch', 'chmod', 'gzip', 'node');
    });

    it('moves a deep tree with everything in it', async () => {
      shell(
        tree.root,
        'mkdir -p a/b/c/d/e/f/g; for i in $(seq 40); do echo $i > a/b/c/d/e/$i; done; mkdir z',
      );
      await tree.accounted();
      work(tree.root, 'mv', 'a', 'z/moved');
      const events = await tree.accounted();
      expect(paths(events, 'moved')).toHaveLength(47);
      expectActors(events, 'mv');
      shell(tree.root, 'echo changed > z/moved/b/c/d/e/1');
      expect(paths(await tree.accounted(), 'updated')).toEqual([join(tree.root, 'z/moved/b/c/d/e/1')]);
    });

    it('accounts for trees that are moved in and out of the rule', async () => {
      const outside = join(watched.outside, 'moved');
      shell(tree.root, 'mkdir -p in/x; echo 1 > in/x/f');
      await tree.accounted();
      work(tree.root, 'mv', 'in', outside);
      expect(paths(await tree.accounted(), 'deleted')).toHaveLength(3);
      work(tree.root, 'mv', outside, 'back');
      expect(paths(await tree.accounted(), 'created')).toHaveLength(3);
    });

    it('knows hard links as files of their own, and what is written through one of them', async () => {
      writeFileSync(join(tree.root, 'one'), 'content');
      await tree.accounted();
      linkSync(join(tree.root, 'one'), join(tree.root, 'two'));
      await tree.accounted();
      renameSync(join(tree.root, 'two'), join(tree.root, 'three'));
      expect(paths(await tree.accounted(), 'moved')).toEqual([join(tree.root, 'three')]);
      unlinkSync(join(tree.root, 'one'));
      expect(paths(await tree.accounted(), 'deleted')).toEqual([join(tree.root, 'one')]);
    });

    it('accounts for links, pipes, sockets and modes', async () => {
      await tree.accounted();
      symlinkSync('/etc/shadow', join(tree.root, 'link'));
      shell(tree.root, 'mkfifo pipe; mknod null c 1 3; : > plain; chmod 4755 plain; chown 65534:65534 plain');
      const events = await tree.accounted();
      const link = events.find(({ file }) => file.path.endsWith('/link'));
      expect(link?.file).toMatchObject({ type: 'symlink', target_path: '/etc/shadow' });
      expect(link?.file.hash).toBeUndefined();
      rmSync(join(tree.root, 'link'));
      symlinkSync('/etc/passwd', join(tree.root, 'link'));
      await tree.accounted();
    });

    it('reports files with names that no text can hold', async () => {
      await tree.accounted();
      const odd = [
        Buffer.from('line\nbreak'),
        Buffer.from([0xff, 0xfe, 0x25, 0x41]),
        Buffer.from('-rf * $(x)'),
        Buffer.from('\u202egpj'),
      ];
      for (const name of odd) writeFileSync(Buffer.concat([Buffer.from(`${tree.root}/`), name]), 'x');
      mkdirSync(Buffer.concat([Buffer.from(`${tree.root}/`), Buffer.from([0xc3, 0x28])]));
      writeFileSync(
        Buffer.concat([Buffer.from(`${tree.root}/`), Buffer.from([0xc3, 0x28]), Buffer.from('/in')]),
        'y',
      );
      const events = await tree.accounted();
      expect(paths(events, 'created')).toEqual(
        expect.arrayContaining([
          join(tree.root, 'line%0Abreak'),
          join(tree.root, '%FF%FE%25A'),
          join(tree.root, '%C3(', 'in'),
        ]),
      );
    });

    it('hashes a sparse file within its bounds, and a large one', async () => {
      await tree.accounted();
      const fd = openSync(join(tree.root, 'sparse'), 'w');
      ftruncateSync(fd, 64 * 1024 * 1024);
      closeSync(fd);
      work(tree.root, 'dd', 'if=/dev/urandom', 'of=large', 'bs=1M', 'count=48', 'status=none');
      expectActors(await tree.accounted(), 'dd', 'node');
    });

    it('R199 leaves no file of 500 new nested directories out', async () => {
      await tree.accounted();
      for (let n = 0; n < 500; n += 1) {
        const at = join(tree.root, String(n % 10), String(n % 100), String(n));
        mkdirSync(at, { recursive: true });
        writeFileSync(join(at, 'f'), String(n));
      }
      const created = paths(await tree.accounted(), 'created');
      expect(created.filter((path) => path.endsWith('/f'))).toHaveLength(500);
    });

    it('hides no net change in any order of making, writing, renaming and deleting', async () => {
      await tree.accounted();
      const at = (name: string): string => join(tree.root, name);
      writeFileSync(at('a'), '1');
      writeFileSync(at('a'), '2');
      renameSync(at('a'), at('b'));
      writeFileSync(at('a'), '3');
      unlinkSync(at('b'));
      copyFileSync(at('a'), at('c'));
      renameSync(at('c'), at('a'));
      mkdirSync(at('d'));
      renameSync(at('a'), at('d/a'));
      renameSync(at('d'), at('e'));
      writeFileSync(at('d'), 'a file now');
      await tree.accounted();
      unlinkSync(at('d'));
      mkdirSync(at('d'));
      renameSync(at('e/a'), at('d/a'));
      rmSync(at('e'), { recursive: true });
      await tree.accounted();
    });

    it('R200 tells at the next start what happened while nothing ran, and says how it knows', async () => {
      const alone = new WatchedTree();
      onTestFinished(() => alone.close());
      shell(alone.root, 'mkdir d; echo 1 > d/kept; echo 1 > d/changed; echo 1 > d/gone');
      await alone.watch();
      await alone.sensor.stop();
      shell(alone.root, 'echo 2 > d/changed; rm d/gone; echo 1 > d/new');
      await alone.watchAgain();
      const events = await alone.accounted();
      expect(new Set(events.map(({ wayfarer }) => wayfarer.detected))).toEqual(new Set(['baseline']));
      expect(events.every(({ wayfarer }) => wayfarer.actor.state === 'unknown')).toBe(true);
      expect(events.map(({ event, file }) => [event.action, file.path.split('/').at(-1)]).sort()).toEqual([
        ['created', 'new'],
        ['deleted', 'gone'],
        ['updated', 'changed'],
      ]);
    });
  },
);
