import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  closeSync,
  lstatSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { because, noLinuxRoot, noProgram } from '../../../../test/support/reason.ts';
import { Unreadable } from '../../table.ts';
import { decodeHostText } from '../../text.ts';
import { CHANGE } from '../change.ts';
import { ExtendedAttributes } from './extended-attributes.ts';
import { Folder } from './folder.ts';
import {
  actor,
  apply,
  examination,
  inDirectory,
  listing,
  os,
  rule,
  TestLedger,
} from './testing/test-ledger.ts';
import { Looker, type Found } from './look.ts';
import { CHANGED_MEANWHILE, type Row } from './row.ts';

const { created, modified, closedAfterWrite, attributes, deleted, movedFrom } = CHANGE;
const WRITTEN = modified | closedAfterWrite;
const noPython = noLinuxRoot ?? noProgram('python3', 'python3');

/** A looker on this host, and one step after the other of its look. */
function look(
  root: string,
  name: string,
  mostHashed?: number,
  known?: Row,
): Generator<void, Found | string | undefined> {
  const folder = Folder.open(root, os);
  if (folder === undefined) throw new Error('no such directory');
  return new Looker(new ExtendedAttributes(process.platform), os, Date.now, mostHashed).look(
    folder,
    name,
    known === undefined ? {} : { known },
  );
}

function finish<T>(steps: Generator<void, T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

describe.skipIf(noLinuxRoot !== undefined)(`hostile trees${because(noLinuxRoot)}`, () => {
  it('names with newlines and bytes that are no UTF-8 are told of, byte for byte', () => {
    inDirectory((directory) => {
      const root = join(directory, 'watched');
      mkdirSync(root);
      const ledger = new TestLedger(join(directory, 'l.db')).rules([rule({ path: root })]).drain();
      const names = [
        Buffer.from('a\nb'),
        Buffer.from([0xff, 0xfe, 0x25]),
        Buffer.from('%FF'),
        Buffer.from('\u{1f600}'),
      ];
      const before = listing(root);
      for (const name of names) {
        const bytes = Buffer.concat([Buffer.from(`${root}/`), name]);
        writeFileSync(bytes, 'x');
        ledger.examine(examination(decodeHostText(bytes), created | WRITTEN));
      }
      const events = ledger.drain().events();
      expect(events.map(({ file }) => file.path.slice(root.length + 1))).toEqual([
        'a%0Ab',
        '%FF%FE%25',
        '%25FF',
        '\u{1f600}',
      ]);
      expect(apply(before, events)).toEqual(listing(root));
      ledger.stop();
    });
  });

  it('FIFOs, sockets and devices are known by stat alone, and links by their target, loops included', () => {
    inDirectory((directory) => {
      const root = join(directory, 'watched');
      mkdirSync(root);
      execFileSync('mkfifo', [join(root, 'fifo')]);
      execFileSync('mknod', [join(root, 'null'), 'c', '1', '3']);
      symlinkSync('loop', join(root, 'loop'));
      symlinkSync('..', join(root, 'up'));
      const ledger = new TestLedger(join(directory, 'l.db')).rules([rule({ path: root })]).drain();
      expect(ledger.last('baseline')).toMatchObject({ state: 'complete', entries: 5 });
      rmSync(join(root, 'loop'));
      symlinkSync('elsewhere', join(root, 'loop'));
      ledger.examine(examination(join(root, 'loop'), created), examination(join(root, 'fifo'), WRITTEN));
      const [event, ...others] = ledger.drain().events();
      expect(others).toEqual([]);
      expect(event?.wayfarer.changed).toContain('target_path');
      expect(event?.file.target_path).toBe('elsewhere');
      ledger.stop();
    });
  });

  it('a file of 10 GB is not hashed and takes no time, and its changes are told of all the same', () => {
    inDirectory((directory) => {
      const root = join(directory, 'watched');
      mkdirSync(root);
      writeFileSync(join(root, 'disk.img'), '');
      truncateSync(join(root, 'disk.img'), 10 * 1024 ** 3);
      const begun = process.cpuUsage();
      const ledger = new TestLedger(join(directory, 'l.db')).rules([rule({ path: root })]).drain();
      const { user, system } = process.cpuUsage(begun);
      expect((user + system) / 1e6).toBeLessThan(2);
      const fd = openSync(join(root, 'disk.img'), 'r+');
      writeSync(fd, 'x', 5 * 1024 ** 3);
      closeSync(fd);
      ledger.examine(examination(join(root, 'disk.img'), WRITTEN, { by: { content: actor(1) } }));
      const [event] = ledger.drain().events();
      expect(event?.event.action).toBe('updated');
      expect(event?.file.unhashed).toBe('larger than 4096 MB');
      ledger.stop();
    });
  });

  it('a large file is hashed between other examinations', () => {
    inDirectory((directory) => {
      const root = join(directory, 'watched');
      mkdirSync(root);
      writeFileSync(join(root, 'large'), '');
      const ledger = new TestLedger(join(directory, 'l.db')).rules([rule({ path: root })]).drain();
      truncateSync(join(root, 'large'), 64 * 1024 * 1024);
      writeFileSync(join(root, 'small'), 'x');
      ledger.examine(
        examination(join(root, 'large'), WRITTEN, { by: { content: actor(1) } }),
        examination(join(root, 'small'), created, { by: { presence: actor(2) } }),
      );
      const events = ledger.drain().events();
      expect(events.map(({ file }) => file.path.slice(root.length + 1))).toEqual(['small', 'large']);
      expect(events[1]?.file.hash?.sha256).toBe(
        '3b6a07d0d404fab4e23b6d34bc6696a6a312dd92821332385e5af7c01c421351',
      );
      expect(events[1]?.wayfarer.actor.state).toBe('known');
      ledger.stop();
    });
  });

  it('a file that is swapped for a link between look and open is not followed', () => {
    inDirectory((directory) => {
      const root = join(directory, 'watched');
      mkdirSync(root);
      writeFileSync(join(directory, 'secret'), 'secret');
      writeFileSync(join(root, 'file'), Buffer.alloc(512 * 1024));
      const steps = look(root, 'file');
      steps.next();
      // It is open and half read.
      rmSync(join(root, 'file'));
      symlinkSync(join(directory, 'secret'), join(root, 'file'));
      const found = finish(steps) as Found;
      expect(found.row.type).toBe('symlink');
      expect(found.row.sha256).toBeNull();
    });
  });

  it('a directory on the way that is swapped for a link leads nowhere: what was below it is gone', () => {
    inDirectory((directory) => {
      const root = join(directory, 'watched');
      const outside = join(directory, 'outside');
      for (const place of [root, outside]) {
        mkdirSync(join(place, 'a/b'), { recursive: true });
        writeFileSync(join(place, 'a/b/file'), place);
      }
      const ledger = new TestLedger(join(directory, 'l.db')).rules([rule({ path: root })]).drain();
      renameSync(join(root, 'a'), join(directory, 'away'));
      symlinkSync(join(outside, 'a'), join(root, 'a'));
      ledger.examine(examination(join(root, 'a/b/file'), WRITTEN), examination(join(root, 'a'), created));
      const events = ledger.drain().events();
      expect(
        events.map(({ event, file }) => `${event.action} ${file.path.slice(root.length)}`).sort(),
      ).toEqual(['deleted /a/b', 'deleted /a/b/file', 'updated /a']);
      expect(Folder.open(join(root, 'a/b'), os)).toBeUndefined();
      ledger.stop();
    });
  });

  it('a file that was written to while it was read is read again however little its stat says', () => {
    inDirectory((directory) => {
      writeFileSync(join(directory, 'log'), Buffer.alloc(20 * 1024 * 1024));
      const steps = look(directory, 'log');
      steps.next();
      appendFileSync(join(directory, 'log'), 'x');
      const known = { ...(finish(steps) as Found).row, racy: false };
      const again = finish(look(directory, 'log', undefined, known)) as Found;
      expect(again.isUnchanged).toBe(false);
      expect(again.row.sha256).not.toBeNull();
      const settled = { ...again.row, racy: false };
      expect((finish(look(directory, 'log', undefined, settled)) as Found).isUnchanged).toBe(true);
    });
  });

  it('a file that changes all the time has no hash and says why; one that is swapped all the time is left alone', () => {
    inDirectory((directory) => {
      writeFileSync(join(directory, 'log'), Buffer.alloc(20 * 1024 * 1024));
      const steps = look(directory, 'log');
      steps.next();
      appendFileSync(join(directory, 'log'), 'x');
      const found = finish(steps) as Found;
      expect([found.row.sha256, found.row.unhashed]).toEqual([null, CHANGED_MEANWHILE]);
      writeFileSync(join(directory, 'flip'), Buffer.alloc(1024 * 1024));
      const flips = look(directory, 'flip');
      expect(() => {
        for (let step = flips.next(), n = 0; step.done !== true; step = flips.next(), n += 1) {
          rmSync(join(directory, 'flip'));
          writeFileSync(join(directory, 'flip'), Buffer.alloc(1024 * 1024));
          if (n > 10_000) throw new Error('endless');
        }
      }).not.toThrow(Error('endless'));
    });
  });

  it('nothing is left out of a directory of 12,000 entries, which is listed in pieces', () => {
    inDirectory((directory) => {
      const root = join(directory, 'watched');
      mkdirSync(root);
      for (let n = 0; n < 12_000; n += 1) writeFileSync(join(root, `${'long'.repeat(50)}${n}`), '');
      expect(lstatSync(root).size).toBeGreaterThan(2 * 1024 * 1024);
      const ledger = new TestLedger(join(directory, 'l.db')).rules([rule({ path: root })]).drain();
      expect(ledger.last('baseline')).toMatchObject({ entries: 12_001 });
      rmSync(join(root, `${'long'.repeat(50)}77`));
      writeFileSync(join(root, 'new'), '');
      ledger.ledger.receive({ kind: 'lost', lost: { reason: 'overflow', below: [] } });
      expect(
        ledger
          .drain()
          .events()
          .map(({ event }) => event.action),
      ).toEqual(['created', 'deleted']);
      ledger.stop();
    });
  }, 120_000);

  it('what the kernel shows in /proc is no file to watch', () => {
    inDirectory((directory) => {
      const ledger = new TestLedger(join(directory, 'l.db')).rules([rule({ path: '/proc' })]).drain();
      expect(ledger.last('baseline')).toMatchObject({ state: 'complete', entries: 1 });
      ledger.stop();
    });
  });

  it.skipIf(noPython !== undefined)(
    `access control lists and extended attributes are told of, by whom as well${because(noPython)}`,
    () => {
      inDirectory((directory) => {
        const root = join(directory, 'watched');
        const path = join(root, 'file');
        mkdirSync(root);
        writeFileSync(path, '');
        const ledger = new TestLedger(join(directory, 'l.db')).rules([rule({ path: root })]).drain();
        // Version 2, then tag, rights and id of each entry (linux/posix_acl_xattr.h): user 1 may read.
        const entries = ['1 6 -1', '2 4 1', '4 4 -1', '16 4 -1', '32 4 -1'];
        const value = `struct.pack('<I', 2) + b''.join(struct.pack('<HHi', *map(int, e.split())) for e in ${JSON.stringify(entries)})`;
        for (const [name, bytes] of [
          ['system.posix_acl_access', value],
          ['trusted.wayfarer', "b'x'"],
        ] as const) {
          const script = `import os, struct; os.setxattr(${JSON.stringify(path)}, '${name}', ${bytes})`;
          execFileSync('python3', ['-c', script]);
          ledger.examine(examination(path, attributes, { by: { attributes: actor(4) } }));
          ledger.drain();
        }
        const [acl, xattr] = ledger.drain().events();
        expect([acl?.wayfarer.changed, xattr?.wayfarer.changed]).toEqual([['acl'], ['xattrs']]);
        expect(acl?.file.acl).toMatch(/^[0-9a-f]{64}$/);
        expect(acl?.wayfarer.actor.state).toBe('known');
        ledger.stop();
      });
    },
  );

  it('a known tree that can\u2019t be read any more is named until it can, and nothing in it counts as deleted', () => {
    inDirectory((directory) => {
      const root = join(directory, 'watched');
      const kept = join(root, 'kept');
      mkdirSync(join(kept, 'deep'), { recursive: true });
      for (const name of ['file', 'deep/file', '../refused']) writeFileSync(join(kept, name), name);
      const ledger = new TestLedger(join(directory, 'l.db')).rules([rule({ path: root })]).drain();
      const walk = (): void => {
        ledger.pass(2_000);
        ledger.ledger.receive({ kind: 'lost', lost: { reason: 'overflow', below: [] } });
        expect(ledger.drain().events()).toEqual([]);
      };
      const entries = ledger.last('baseline')?.entries;
      expect(ledger.last('baseline')?.unreadable).toBeNull();
      const open = Folder.open.bind(Folder);
      const refused = vi.spyOn(Folder, 'open').mockImplementation((path, ...rest) => {
        if (path.startsWith(kept)) throw new Unreadable('EACCES');
        return open(path, ...rest);
      });
      try {
        for (const path of [join(kept, 'file'), join(kept, 'deep'), kept]) {
          ledger.examine(examination(path, deleted | movedFrom));
        }
        walk();
        const unreadable = { count: 1, path: kept, reason: 'EACCES' };
        expect(ledger.last('baseline')).toMatchObject({ entries, unreadable });
        ledger.ledger.receive({ kind: 'lost', lost: { reason: 'overflow', below: [join(root, 'refused')] } });
        ledger.pass(2_000);
        expect(ledger.drain().last('baseline')).toMatchObject({ unreadable });
      } finally {
        refused.mockRestore();
      }
      walk();
      expect(ledger.last('baseline')).toMatchObject({ entries, unreadable: null });
      ledger.stop();
    });
  });

  it('a file that can\u2019t be read is named, and one that vanishes while it is looked at is not', () => {
    inDirectory((directory) => {
      const root = join(directory, 'watched');
      mkdirSync(root);
      for (const name of ['gone', 'refused']) writeFileSync(join(root, name), name);
      const refused = vi.spyOn(Folder.prototype, 'openFile').mockImplementation((name) => {
        const code = name === 'gone' ? 'ENOENT' : 'EIO';
        throw Object.assign(new Error(code), { code });
      });
      try {
        const ledger = new TestLedger(join(directory, 'l.db')).rules([rule({ path: root })]).drain();
        const unreadable = { count: 1, path: join(root, 'refused'), reason: 'EIO' };
        ledger.pass(2_000);
        expect(ledger.drain().last('baseline')).toMatchObject({ unreadable });
        ledger.stop();
      } finally {
        refused.mockRestore();
      }
    });
  });
});
