import {
  appendFileSync,
  chmodSync,
  lstatSync,
  mkdirSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CHANGE } from '../change.ts';
import { TestLedger, actor, examination, inDirectory, rule, watching } from './testing/test-ledger.ts';

const { created, modified, closedAfterWrite, attributes, deleted, movedFrom, movedTo } = CHANGE;
const WRITTEN = modified | closedAfterWrite;

describe('one examination', () => {
  it('R200 tells of a new file with its state and who made it', () => {
    watching((root, ledger) => {
      const path = join(root, 'new');
      writeFileSync(path, 'abc', { mode: 0o640 });
      const by = actor(7, { user: { id: '0', name: 'root' } });
      const batch = ledger.examine(
        examination(path, created | WRITTEN, { by: { presence: by, content: by } }),
      );
      ledger.drain();
      const [event, ...others] = ledger.events();
      expect(others).toEqual([]);
      expect(event).toMatchObject({
        event: { action: 'created', type: ['creation'], provider: 'test', severity: 2 },
        rule: { id: 'rule' },
        file: {
          path,
          type: 'file',
          size: 3,
          mode: '0640',
          inode: String(lstatSync(path).ino),
          hash: { sha256: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad' },
        },
        wayfarer: {
          detected: 'live',
          severity: 'medium',
          actor: by.actor,
          changed: [],
          chain: { sequence: 1 },
        },
      });
      expect(ledger.last('examined')).toEqual({ kind: 'examined', batch });
    });
  });

  it('tells of content and attributes as two events where two processes changed them, and as one where one did', () => {
    watching(
      (root, ledger) => {
        const path = join(root, 'file');
        const change = (): void => {
          appendFileSync(path, 'x');
          chmodSync(path, (lstatSync(path).mode & 0o777) ^ 0o040);
        };
        change();
        ledger.examine(
          examination(path, WRITTEN | attributes, { by: { content: actor(1), attributes: actor(2) } }),
        );
        ledger.drain();
        const two = ledger
          .events()
          .map(({ event, wayfarer: { actor: by, changed } }) => [
            event.action,
            changed,
            by.state === 'known' ? by.process.pid : by.reason,
          ]);
        expect(two).toEqual([
          ['updated', ['content', 'size', 'mtime'], 1],
          ['attributes_modified', ['mode'], 2],
        ]);
        change();
        ledger.examine(
          examination(path, WRITTEN | attributes, { by: { content: actor(1), attributes: actor(1) } }),
        );
        expect(ledger.drain().brief(root)).toEqual(['updated file: content size mode']);
      },
      (root) => {
        writeFileSync(join(root, 'file'), '');
      },
    );
  });

  it('never names a writer for what was replaced, nor one of two for a time that either may have set', () => {
    watching(
      (root, ledger) => {
        const path = join(root, 'file');
        writeFileSync(join(root, 'file.new'), 'second');
        renameSync(join(root, 'file.new'), path);
        ledger.examine(
          examination(path, movedTo | WRITTEN, { by: { presence: actor(1), content: actor(2) } }),
        );
        const [replaced] = ledger.drain().events();
        expect(replaced?.wayfarer.actor).toMatchObject({ state: 'known', process: { pid: 1 } });
        expect(replaced?.wayfarer.other_actors).toMatchObject([{ process: { pid: 2 } }]);
        expect(replaced?.wayfarer.changed).toContain('inode');
        utimesSync(path, 1, 1);
        ledger.examine(
          examination(path, WRITTEN | attributes, { by: { content: actor(1), attributes: actor(2) } }),
        );
        const [touched] = ledger.drain().events();
        expect(touched?.event.action).toBe('attributes_modified');
        expect(touched?.wayfarer.actor).toEqual({ state: 'unknown', reason: 'several processes touched it' });
        expect(touched?.wayfarer.other_actors).toHaveLength(2);
      },
      (root) => {
        writeFileSync(join(root, 'file'), 'first');
      },
    );
  });

  it('R199 has nothing to tell of a file that came and went, and of one that is as it was', () => {
    watching(
      (root, ledger) => {
        ledger.examine(
          examination(join(root, 'gone'), created | deleted, { by: { presence: actor(1) } }),
          examination(join(root, 'same'), WRITTEN | attributes),
        );
        expect(ledger.drain().events()).toEqual([]);
      },
      (root) => {
        writeFileSync(join(root, 'same'), 'same');
      },
    );
  });

  it('follows a directory that is moved within the rules, out of them and into them, entry by entry', () => {
    watching(
      (root, ledger) => {
        const outside = join(root, '..', 'outside');
        const by = { presence: actor(5) };
        renameSync(join(root, 'a'), join(root, 'b'));
        ledger.examine(
          examination(join(root, 'a'), movedFrom, { directory: true, by }),
          examination(join(root, 'b'), movedTo, { directory: true, from: join(root, 'a'), by }),
        );
        const events = ledger.drain().events();
        expect(events.map(({ event, file }) => [event.action, file.path.slice(root.length)])).toEqual([
          ['moved', '/b'],
          ['moved', '/b/deep'],
          ['moved', '/b/file'],
          ['moved', '/b/deep/file'],
        ]);
        expect(events.every(({ wayfarer }) => wayfarer.actor.state === 'known')).toBe(true);
        renameSync(join(root, 'b'), outside);
        ledger.examine(examination(join(root, 'b'), movedFrom, { directory: true, by }));
        const left = ledger.drain().events();
        expect(left.map(({ event }) => event.action)).toEqual(Array(4).fill('deleted'));
        renameSync(outside, join(root, 'c'));
        ledger.examine(examination(join(root, 'c'), movedTo, { directory: true, from: outside, by }));
        const came = ledger.drain().events();
        expect(came.map(({ event, file }) => [event.action, file.path.slice(root.length)])).toEqual([
          ['created', '/c'],
          ['created', '/c/deep'],
          ['created', '/c/file'],
          ['created', '/c/deep/file'],
        ]);
        expect(came.every(({ wayfarer }) => wayfarer.actor.state === 'known')).toBe(true);
        expect(came[0]?.file.previous_path).toBe(outside);
      },
      (root) => {
        mkdirSync(join(root, 'a/deep'), { recursive: true });
        writeFileSync(join(root, 'a/file'), '1');
        writeFileSync(join(root, 'a/deep/file'), '2');
      },
    );
  });

  it('R208 follows a directory that is moved as soon as it was made, and does not take it for removed and made anew', () => {
    inDirectory((directory) => {
      const root = join(directory, 'watched');
      mkdirSync(root);
      let since = 0;
      const ledger: TestLedger = new TestLedger(join(directory, 'l.db'), {
        settleMs: 5_000,
        now: () => Date.now() + ledger.elapsed - since,
      });
      ledger.rules([rule({ path: root })]).drain();
      // From here on the files that are made are new by the clock of the ledger as well.
      since = ledger.elapsed;
      mkdirSync(join(root, 'a/b'), { recursive: true });
      writeFileSync(join(root, 'a/b/file'), 'content');
      for (const path of ['a', 'a/b', 'a/b/file']) ledger.examine(examination(join(root, path), created));
      ledger.turn();
      expect(ledger.events()).toHaveLength(3);
      renameSync(join(root, 'a'), join(root, 'z'));
      const by = { presence: actor(7) };
      const [from, to] = [join(root, 'a'), join(root, 'z')];
      ledger.examine(
        examination(from, CHANGE.movedFrom, { directory: true, by }),
        examination(to, CHANGE.movedTo, { directory: true, from, by }),
      );
      const events = ledger.drain().fim;
      expect(events.map(({ wayfarer }) => wayfarer.actor)).toEqual(Array(3).fill(actor(7).actor));
      expect(ledger.brief(root)).toEqual(['moved z < a', 'moved z/b < a/b', 'moved z/b/file < a/b/file']);
      ledger.stop();
    });
  });

  it('R200 takes a large file that is renamed for moved, although it takes a while to read', () => {
    inDirectory((directory) => {
      const root = join(directory, 'watched');
      mkdirSync(root);
      const [from, to] = [join(root, 'log'), join(root, 'log.1')];
      writeFileSync(from, Buffer.alloc(9 * 1024 * 1024, 'x'));
      const ledger: TestLedger = new TestLedger(join(directory, 'l.db'), {
        settleMs: 5_000,
        now: () => Date.now() + ledger.elapsed,
      });
      ledger.rules([rule({ path: root })]).drain();
      renameSync(from, to);
      const by = { presence: actor(7) };
      ledger.examine(examination(from, movedFrom, { by }), examination(to, movedTo, { from, by }));
      expect(ledger.drain().brief(root)).toEqual(['moved log.1 < log']);
      ledger.stop();
    });
  });

  it('R208 does not blame whoever moved a directory for what somebody had removed from its new place', () => {
    watching(
      (root, ledger) => {
        rmSync(join(root, 'e'), { recursive: true });
        renameSync(join(root, 'd'), join(root, 'e'));
        const by = { presence: actor(7) };
        const [from, to] = [join(root, 'd'), join(root, 'e')];
        ledger.examine(
          examination(from, movedFrom, { directory: true, by }),
          examination(to, movedTo, { directory: true, from, by }),
        );
        const removed = ledger
          .drain()
          .events()
          .filter(({ file }) => file.path === join(root, 'e/removed'));
        expect(removed.map(({ event, wayfarer }) => [event.action, wayfarer.actor.state])).toEqual([
          ['deleted', 'unknown'],
        ]);
      },
      (root) => {
        for (const name of ['d', 'e']) mkdirSync(join(root, name));
        writeFileSync(join(root, 'd/kept'), '');
        writeFileSync(join(root, 'e/removed'), '');
      },
    );
  });

  it('does not blame whoever removed a directory for the files that somebody had taken out of it', () => {
    watching(
      (root, ledger) => {
        rmSync(join(root, 'a'), { recursive: true });
        ledger.examine(
          examination(join(root, 'a'), deleted, { directory: true, by: { presence: actor(1) } }),
        );
        const [directory, file] = ledger.drain().events();
        expect(directory?.wayfarer.actor.state).toBe('known');
        expect(file?.wayfarer.actor).toEqual({ state: 'unknown', reason: 'its directory was deleted' });
      },
      (root) => {
        mkdirSync(join(root, 'a'));
        writeFileSync(join(root, 'a/file'), '1');
      },
    );
  });

  it('takes an atomic save for an update of the file, with the hash before and after', () => {
    watching(
      (root, ledger) => {
        const by = { presence: actor(1), content: actor(1) };
        writeFileSync(join(root, '.tmp'), 'new');
        ledger.examine(examination(join(root, '.tmp'), created | WRITTEN, { by }));
        ledger.drain();
        renameSync(join(root, '.tmp'), join(root, 'file'));
        ledger.examine(
          examination(join(root, '.tmp'), movedFrom, { by }),
          examination(join(root, 'file'), movedTo, { by, from: join(root, '.tmp') }),
        );
        const [, saved, ...others] = ledger.drain().events();
        expect(others).toEqual([]);
        expect(saved?.event.action).toBe('updated');
        expect(saved?.file.previous_path).toBe(join(root, '.tmp'));
        expect(saved?.wayfarer.before?.hash?.sha256).not.toBe(saved?.file.hash?.sha256);
      },
      (root) => {
        writeFileSync(join(root, 'file'), 'old');
      },
    );
  });

  it('tells of a change that the first walk had not come to', () => {
    inDirectory((directory) => {
      const root = join(directory, 'watched');
      mkdirSync(root);
      const ledger = new TestLedger(join(directory, 'ledger.db'));
      writeFileSync(join(root, 'old'), 'x');
      ledger.rules([rule({ path: root })]);
      ledger.examine(examination(join(root, 'old'), WRITTEN, { by: { content: actor(1) } }));
      expect(ledger.drain().brief(root)).toEqual(['updated old: content']);
      ledger.stop();
    });
  });
});
