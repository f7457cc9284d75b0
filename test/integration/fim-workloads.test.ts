import { randomBytes } from 'node:crypto';
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
import { loadKoffi } from '../../src/collector/native/koffi.ts';
import type { FimEvent } from '../../src/shared/host-events.ts';
import { because, noLinuxRoot, noProgram } from '../support/reason.ts';
import { expectMadeBy, expectNoneWrong, programsByFile, shell, work } from '../support/unchanged-programs.ts';
import { WatchedTree, type WatchedDirectory } from '../support/watched-tree.ts';

const paths = (events: readonly FimEvent[], action: string): string[] =>
  events.filter(({ event }) => event.action === action).map(({ file }) => file.path);

const MAPPED_BYTES = 4_096;

/** Writes to an open file as databases do, without write(2): through a shared mapping (mmap(2)). */
function writeThroughMapping(fd: number, bytes: number): void {
  const [READ_WRITE, SHARED] = [3, 1];
  const libc = loadKoffi().load('libc.so.6');
  const map = libc.func('void *mmap(void *addr, size_t length, int prot, int flags, int fd, int64_t offset)');
  const at: unknown = map(null, bytes, READ_WRITE, SHARED, fd, 0);
  libc.func('void *memset(void *to, int byte, size_t length)')(at, 0x79, bytes);
  libc.func('int munmap(void *addr, size_t length)')(at, bytes);
}

/** Programs that save a file by another one in its place; of those that live for 50 ms each change has its actor. */
const EDITORS = [
  { program: 'sed', packageName: 'sed', args: ['-i', 's/root/toor/'], made: expectNoneWrong },
  {
    program: 'vim.tiny',
    packageName: 'vim-tiny',
    // Moves the old file away and writes a new one; then rests, to be known.
    args: ['-Nu', 'NONE', '-es', '-c', 'set bkc=no', '-c', '%s/root/toor/', '-c', 'w', '-c', 'sleep 200m|q'],
    made: expectMadeBy,
  },
];

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
      // Takes a second of rest on its way: who lives for so long is known.
      const pid = work(tree.root, 'tar', 'xf', 'all.tar', '--checkpoint=20', '--checkpoint-action=sleep=1');
      const unpacked = await tree.accounted();
      expect(paths(unpacked, 'created')).toHaveLength(301);
      expectMadeBy(unpacked, { program: 'tar', pid });
      const changer = work(tree.root, 'chmod', '-R', 'o-r', 'src');
      const changed = await tree.accounted();
      expect(new Set(changed.map(({ event }) => event.action))).toEqual(new Set(['attributes_modified']));
      expect(changed[0]?.wayfarer.changed).toEqual(['mode']);
      expectNoneWrong(changed, { program: 'chmod', pid: changer });
      const remover = work(tree.root, 'rm', '-r', 'src');
      const removed = await tree.accounted();
      expect(paths(removed, 'deleted')).toHaveLength(301);
      expectNoneWrong(removed, { program: 'rm', pid: remover });
    });

    it.skipIf(noProgram('git', 'git') !== undefined)(
      `accounts for a clone and checkouts${because(noProgram('git', 'git'))}`,
      async () => {
        const origin = join(watched.outside, 'origin');
        mkdirSync(origin);
        const git = (...args: string[]): number =>
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
        // Git waits for its hook, and lives for long enough to be known.
        const hooks = join(watched.outside, 'hooks');
        mkdirSync(hooks);
        writeFileSync(join(hooks, 'post-checkout'), '#!/bin/sh\nsleep 0.2\n', { mode: 0o755 });
        const slowGit = (cwd: string, ...args: string[]): number =>
          work(cwd, 'git', '-c', `core.hooksPath=${hooks}`, ...args);
        await tree.accounted();
        const cloner = slowGit(tree.root, 'clone', '-q', origin, 'clone');
        expectMadeBy(await tree.accounted(), { program: 'git', pid: cloner });
        const pid = slowGit(join(tree.root, 'clone'), 'checkout', '-q', 'one');
        const checkout = await tree.accounted();
        expect(paths(checkout, 'updated').length).toBeGreaterThanOrEqual(60);
        expect(paths(checkout, 'deleted')).toContain(join(tree.root, 'clone/two/only'));
        expectMadeBy(checkout, { program: 'git', pid });
      },
    );

    for (const { program, packageName, args, made } of EDITORS) {
      const missing = noProgram(program, packageName);
      it.skipIf(missing !== undefined)(
        `R200 sees ${program} save through another file as a change of the one that it replaces${because(missing)}`,
        async () => {
          writeFileSync(join(tree.root, 'passwd'), 'root:x:0:0\n');
          await tree.accounted();
          const pid = work(tree.root, program, ...args, 'passwd');
          const events = await tree.accounted();
          expect(paths(events, 'updated')).toEqual([join(tree.root, 'passwd')]);
          const [updated] = events.filter(({ event }) => event.action === 'updated');
          expect(updated?.wayfarer.changed).toContain('content');
          expect(updated?.wayfarer.before?.hash?.sha256).not.toBe(updated?.file.hash?.sha256);
          made(events, { program, pid });
        },
      );
    }

    it('names a script that lives on for each of its changes', async () => {
      await tree.accounted();
      const pid = shell(
        tree.root,
        'for i in 1 2 3 4 5; do echo $i > new$i; echo $i >> all; sleep 0.1; done; :',
      );
      const events = await tree.accounted();
      expect(paths(events, 'created')).toHaveLength(6);
      expectMadeBy(events, { program: 'dash', pid });
    });

    it.skipIf(noProgram('rsync', 'rsync') !== undefined)(
      `accounts for a synchronised copy${because(noProgram('rsync', 'rsync'))}`,
      async () => {
        await tree.accounted();
        const synchronise = (...more: string[]): number =>
          work(
            tree.root,
            ...(['rsync', '-a', '--delete', '/etc/default/', '/etc/cron.d', '/etc/apt', 'copy/'] as const),
            ...more,
          );
        // So slow that its processes, which are several, live for long enough to be known.
        synchronise('--bwlimit=50');
        expectMadeBy(await tree.accounted(), { program: 'rsync' });
        appendFileSync(join(tree.root, 'copy', 'more'), 'x');
        expect(paths(await tree.accounted(), 'created')).toEqual([join(tree.root, 'copy', 'more')]);
        synchronise();
        expect(paths(await tree.accounted(), 'deleted')).toEqual([join(tree.root, 'copy', 'more')]);
      },
    );

    it.skipIf(noProgram('npm', 'npm') !== undefined)(
      `accounts for npm ci${because(noProgram('npm', 'npm'))}`,
      async () => {
        const npm = (cwd: string, ...args: string[]): number =>
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
        const pid = npm(tree.root, 'ci');
        const events = await tree.accounted();
        expect(paths(events, 'created').length).toBeGreaterThan(200);
        expectMadeBy(events, { program: 'node', pid });
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
      const made = programsByFile(events);
      const only = (file: string, ...allowed: string[]): void => {
        expect([...allowed, 'unknown']).toEqual(
          expect.arrayContaining((made[file] ?? []).map((text) => text.split(' by ')[1])),
        );
      };
      only('app.log', 'touch', 'chmod', 'node', 'unknown');
      // Whoever moved the old one away made no new one.
      expect(made['app.log']?.find((text) => text.startsWith('created'))).toMatch(/by (?:touch|unknown)$/);
      only('app.log.1', 'node', 'mv');
      only('app.log.1.gz', 'gzip');
      expect(Object.values(made).flat()).toContain('updated by node');
    });

    it.skipIf(noProgram('logrotate', 'logrotate') !== undefined)(
      `accounts for logrotate, with each change by the program that made it${because(noProgram('logrotate', 'logrotate'))}`,
      async () => {
        const log = join(tree.root, 'app.log');
        // Takes gzip a while: who lives for long enough is known.
        writeFileSync(log, randomBytes(6_000_000).toString('hex'));
        const settings = join(watched.outside, 'logrotate.conf');
        const rules = 'rotate 2\ncreate 0600 root root\ncompress\npostrotate\nsleep 0.2\nendscript';
        writeFileSync(settings, `${log} {\n${rules}\n}\n`, { mode: 0o644 });
        await tree.accounted();
        const pid = work(tree.root, 'logrotate', '-f', '-s', join(watched.outside, 'rotated'), settings);
        const events = await tree.accounted();
        const of = (name: string): FimEvent[] => events.filter(({ file }) => file.path === `${log}${name}`);
        expectMadeBy(of('.1'), { program: 'logrotate', pid });
        expectMadeBy(of(''), { program: 'logrotate', pid });
        // Opened by one, written by the other.
        const made = programsByFile(of('.1.gz'))['app.log.1.gz'] ?? [];
        expect(made[0]).toBe('created by logrotate');
        expect(['logrotate', 'gzip', 'unknown']).toEqual(
          expect.arrayContaining(made.map((text) => text.split(' by ')[1])),
        );
      },
    );

    it('moves a deep tree with everything in it', async () => {
      shell(
        tree.root,
        'mkdir -p a/b/c/d/e/f/g; for i in $(seq 40); do echo $i > a/b/c/d/e/$i; done; mkdir z',
      );
      await tree.accounted();
      const pid = work(tree.root, 'mv', 'a', 'z/moved');
      const events = await tree.accounted();
      expect(paths(events, 'moved')).toHaveLength(47);
      expectNoneWrong(events, { program: 'mv', pid });
      // One call moved them all.
      expect(new Set(events.map(({ wayfarer }) => wayfarer.actor.state)).size).toBe(1);
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
      appendFileSync(join(tree.root, 'one'), ', and more');
      expect(paths(await tree.accounted(), 'updated').sort()).toEqual([
        join(tree.root, 'one'),
        join(tree.root, 'two'),
      ]);
      renameSync(join(tree.root, 'two'), join(tree.root, 'three'));
      expect(paths(await tree.accounted(), 'moved')).toEqual([join(tree.root, 'three')]);
      unlinkSync(join(tree.root, 'one'));
      expect(paths(await tree.accounted(), 'deleted')).toEqual([join(tree.root, 'one')]);
    });

    it('R199 hears of what was written through a mapping (mmap) when the file is closed, for no write is heard', async () => {
      const path = join(tree.root, 'mapped');
      writeFileSync(path, 'x'.repeat(MAPPED_BYTES));
      await tree.accounted();
      const fd = openSync(path, 'r+');
      writeThroughMapping(fd, MAPPED_BYTES);
      expect(tree.events()).toEqual([]);
      closeSync(fd);
      const [event, ...others] = await tree.accounted();
      expect(others).toEqual([]);
      expect(event).toMatchObject({
        event: { action: 'updated' },
        file: { path },
        wayfarer: { actor: { state: 'known', process: { pid: process.pid } } },
      });
      expect(event?.wayfarer.changed).toContain('content');
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
      const pid = work(
        tree.root,
        ...(['dd', 'if=/dev/urandom', 'of=large', 'bs=1M', 'count=48', 'status=none'] as const),
      );
      const events = await tree.accounted();
      const by = (name: string): FimEvent[] => events.filter(({ file }) => file.path.endsWith(name));
      expectMadeBy(by('/sparse'), { program: 'node', pid: process.pid });
      expectMadeBy(by('/large'), { program: 'dd', pid });
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
