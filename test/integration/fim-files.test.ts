import {
  appendFileSync,
  closeSync,
  copyFileSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  openSync,
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
import { because, noLinuxRoot } from '../support/reason.ts';
import { expectMadeBy, pathsOf, shell, work } from '../support/unchanged-programs.ts';
import { WatchedTree, type WatchedDirectory } from '../support/watched-tree.ts';

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

describe.skipIf(noLinuxRoot !== undefined)(
  `file integrity of every kind of file${because(noLinuxRoot)}`,
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

    it('knows hard links as files of their own, and what is written through one of them', async () => {
      writeFileSync(join(tree.root, 'one'), 'content');
      await tree.accounted();
      linkSync(join(tree.root, 'one'), join(tree.root, 'two'));
      await tree.accounted();
      appendFileSync(join(tree.root, 'one'), ', and more');
      expect(pathsOf(await tree.accounted(), 'updated').sort()).toEqual([
        join(tree.root, 'one'),
        join(tree.root, 'two'),
      ]);
      renameSync(join(tree.root, 'two'), join(tree.root, 'three'));
      expect(pathsOf(await tree.accounted(), 'moved')).toEqual([join(tree.root, 'three')]);
      unlinkSync(join(tree.root, 'one'));
      expect(pathsOf(await tree.accounted(), 'deleted')).toEqual([join(tree.root, 'one')]);
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
      expect(pathsOf(events, 'created')).toEqual(
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
      const created = pathsOf(await tree.accounted(), 'created');
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
