import { randomBytes } from 'node:crypto';
import { appendFileSync, closeSync, mkdirSync, openSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { FimEvent } from '../../src/shared/host-events.ts';
import { because, noLinuxRoot, noProgram } from '../support/reason.ts';
import {
  expectMadeBy,
  expectNoneWrong,
  pathsOf,
  programsByFile,
  shell,
  work,
} from '../support/unchanged-programs.ts';
import { WatchedTree, type WatchedDirectory } from '../support/watched-tree.ts';

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
      expect(pathsOf(unpacked, 'created')).toHaveLength(301);
      expectMadeBy(unpacked, { program: 'tar', pid });
      const changer = work(tree.root, 'chmod', '-R', 'o-r', 'src');
      const changed = await tree.accounted();
      expect(new Set(changed.map(({ event }) => event.action))).toEqual(new Set(['attributes_modified']));
      expect(changed[0]?.wayfarer.changed).toEqual(['mode']);
      expectNoneWrong(changed, { program: 'chmod', pid: changer });
      const remover = work(tree.root, 'rm', '-r', 'src');
      const removed = await tree.accounted();
      expect(pathsOf(removed, 'deleted')).toHaveLength(301);
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
        expect(pathsOf(checkout, 'updated').length).toBeGreaterThanOrEqual(60);
        expect(pathsOf(checkout, 'deleted')).toContain(join(tree.root, 'clone/two/only'));
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
          expect(pathsOf(events, 'updated')).toEqual([join(tree.root, 'passwd')]);
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
      expect(pathsOf(events, 'created')).toHaveLength(6);
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
        expect(pathsOf(await tree.accounted(), 'created')).toEqual([join(tree.root, 'copy', 'more')]);
        synchronise();
        expect(pathsOf(await tree.accounted(), 'deleted')).toEqual([join(tree.root, 'copy', 'more')]);
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
        expect(pathsOf(events, 'created').length).toBeGreaterThan(200);
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
      expect(pathsOf(events, 'moved')).toEqual([`${log}.1`]);
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
      expect(pathsOf(events, 'moved')).toHaveLength(47);
      expectNoneWrong(events, { program: 'mv', pid });
      // One call moved them all.
      expect(new Set(events.map(({ wayfarer }) => wayfarer.actor.state)).size).toBe(1);
      shell(tree.root, 'echo changed > z/moved/b/c/d/e/1');
      expect(pathsOf(await tree.accounted(), 'updated')).toEqual([join(tree.root, 'z/moved/b/c/d/e/1')]);
    });

    it('accounts for trees that are moved in and out of the rule', async () => {
      const outside = join(watched.outside, 'moved');
      shell(tree.root, 'mkdir -p in/x; echo 1 > in/x/f');
      await tree.accounted();
      work(tree.root, 'mv', 'in', outside);
      expect(pathsOf(await tree.accounted(), 'deleted')).toHaveLength(3);
      work(tree.root, 'mv', outside, 'back');
      expect(pathsOf(await tree.accounted(), 'created')).toHaveLength(3);
    });
  },
);
