import {
  appendFileSync,
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { because, noRoot } from '../../../../test/support/reason.ts';
import { CHANGE } from '../change.ts';
import type { FimRule } from '../../../shared/file-integrity.ts';
import { actor, examination, inDirectory, rule, TestLedger } from './ledger.fixture.ts';

const { created, modified, closedAfterWrite, attributes, deleted, movedFrom, movedTo } = CHANGE;
const WRITTEN = modified | closedAfterWrite;

/** A watched directory with what `fill` puts there, its ledger after the first walk. */
function watching(
  use: (root: string, ledger: TestLedger, file: string) => void,
  fill: (root: string) => void = () => undefined,
  rules: (root: string) => FimRule[] = (root) => [rule({ path: root })],
): void {
  inDirectory((directory) => {
    const root = join(directory, 'watched');
    mkdirSync(root);
    fill(root);
    const file = join(directory, 'ledger.db');
    const ledger = new TestLedger(file).rules(rules(root)).drain();
    expect(ledger.events()).toEqual([]);
    use(root, ledger, file);
    ledger.stop();
  });
}

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

  it('tells of every name of a file that was written through one of them', () => {
    watching(
      (root, ledger) => {
        appendFileSync(join(root, 'a'), 'more');
        ledger.examine(examination(join(root, 'a'), WRITTEN, { by: { content: actor(1) } }));
        const events = ledger.drain().events();
        expect(events.map(({ file }) => file.path.slice(root.length))).toEqual(['/a', '/b']);
        expect(events.every(({ wayfarer }) => wayfarer.actor.state === 'known')).toBe(true);
      },
      (root) => {
        writeFileSync(join(root, 'a'), '1');
        linkSync(join(root, 'a'), join(root, 'b'));
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

describe('rules', () => {
  it('R206 name the first that wants a change, with the highest severity of all that do', () => {
    watching(
      (root, ledger) => {
        writeFileSync(join(root, 'file'), '');
        ledger.examine(examination(join(root, 'file'), created));
        const [event] = ledger.drain().events();
        expect(event?.rule.id).toBe('second');
        expect(event?.wayfarer.severity).toBe('critical');
        expect(event?.event.severity).toBe(4);
      },
      undefined,
      (root) => [
        rule({ id: 'first', path: root, events: ['delete'] }),
        rule({ id: 'second', path: root, severity: 'low' }),
        rule({ id: 'third', path: root, severity: 'critical' }),
      ],
    );
  });

  it('R206 leave excluded users and programs out but follow their changes, and nobody hides behind one of them', () => {
    watching(
      (root, ledger) => {
        const path = join(root, 'file');
        const backup = actor(1, { user: { id: '34', name: 'backup' } });
        const write = (...others: ReturnType<typeof actor>[]): void => {
          appendFileSync(path, 'x');
          ledger.examine(examination(path, WRITTEN, { by: { content: backup }, others }));
        };
        write();
        expect(ledger.drain().events()).toEqual([]);
        write(actor(2));
        const [event] = ledger.drain().events();
        expect(event?.wayfarer.before?.size).toBe(1);
        expect(event?.wayfarer.other_actors).toMatchObject([{ process: { pid: 2 } }]);
      },
      (root) => {
        writeFileSync(join(root, 'file'), '');
      },
      (root) => [rule({ path: root, excludeUsers: ['backup'], excludeProcesses: ['/bin/sync*'] })],
    );
  });

  it('R206 that are new take in silently what is there, and those that go leave nothing behind', () => {
    watching(
      (root, ledger) => {
        const both = [rule({ path: join(root, 'a') }), rule({ id: 'other', path: join(root, 'b') })];
        expect(ledger.rules(both).drain().events()).toEqual([]);
        expect(ledger.last('baseline')).toMatchObject({ state: 'complete', entries: 4 });
        ledger.rules([both[1]!]).drain();
        expect(ledger.events()).toEqual([]);
        ledger.pass(2_000);
        ledger.examine(examination(join(root, 'b/file'), attributes));
        ledger.drain();
        expect(ledger.last('baseline')).toMatchObject({ entries: 2 });
      },
      (root) => {
        for (const name of ['a', 'b']) {
          mkdirSync(join(root, name));
          writeFileSync(join(root, name, 'file'), '');
        }
      },
      (root) => [rule({ path: join(root, 'a') })],
    );
  });

  it('say that a path is absent, and take note when it appears, whole directories above it included', () => {
    watching(
      (root, ledger) => {
        expect(ledger.last('rules')?.troubles).toMatchObject([{ id: 'rule', state: 'absent' }]);
        mkdirSync(join(root, 'x/later'), { recursive: true });
        writeFileSync(join(root, 'x/later/file'), '1');
        ledger.examine(examination(join(root, 'x'), created, { directory: true }));
        expect(ledger.drain().brief(root)).toEqual(['created x/later', 'created x/later/file']);
        expect(ledger.last('rules')?.troubles).toEqual([]);
        renameSync(join(root, 'x'), join(root, 'y'));
        ledger.examine(examination(join(root, 'x'), movedFrom, { directory: true }));
        expect(ledger.drain().brief(root).sort()).toEqual(['deleted x/later', 'deleted x/later/file']);
        expect(ledger.last('rules')?.troubles).toMatchObject([{ state: 'absent' }]);
      },
      undefined,
      (root) => [rule({ path: join(root, 'x/later') })],
    );
  });

  it('with a depth, patterns and the agent\u2019s own directories are obeyed before anything is read', () => {
    watching(
      (root, ledger) => {
        expect(ledger.last('baseline')).toMatchObject({ state: 'complete', entries: 4 });
        for (const name of ['skip/x.conf', 'own/x.conf', 'deep/deeper/x.conf', 'x.txt']) {
          appendFileSync(join(root, name), 'more');
          ledger.examine(examination(join(root, name), WRITTEN));
        }
        expect(ledger.drain().events()).toEqual([]);
      },
      (root) => {
        for (const name of ['skip', 'own', 'deep/deeper']) mkdirSync(join(root, name), { recursive: true });
        for (const name of ['x.conf', 'x.txt', 'skip/x.conf', 'own/x.conf', 'deep/deeper/x.conf']) {
          writeFileSync(join(root, name), '');
        }
      },
      (root) => [rule({ path: root, include: ['*.conf'], exclude: [join(root, 'skip'), 'own'], depth: 1 })],
    );
  });
});

describe('the walk at the start', () => {
  it.skipIf(noRoot !== undefined)(
    `R199 R200 turns what happened while nobody listened into events, and reads nothing that stat calls unchanged${because(noRoot)}`,
    () => {
      watching(
        (root, ledger, file) => {
          ledger.stop();
          appendFileSync(join(root, 'written'), 'more');
          chmodSync(join(root, 'mode'), 0o600);
          chownSync(join(root, 'owner'), 1, 1);
          rmSync(join(root, 'deleted'));
          renameSync(join(root, 'moved'), join(root, 'elsewhere'));
          writeFileSync(join(root, 'created'), '');
          // Content that only reading would show, under the very times that are known.
          const untouched = lstatSync(join(root, 'untouched'), { bigint: true });
          const again = new TestLedger(file).rules([rule({ path: root })]).drain();
          expect(again.brief(root).sort()).toEqual([
            'attributes_modified mode: mode',
            'attributes_modified owner: owner group',
            'created created',
            'deleted deleted',
            'moved elsewhere < moved',
            'updated written: content size',
          ]);
          expect(lstatSync(join(root, 'untouched'), { bigint: true }).atimeNs).toBe(untouched.atimeNs);
          expect(again.last('baseline')).toMatchObject({ state: 'complete' });
          again.stop();
        },
        (root) => {
          for (const name of ['written', 'mode', 'owner', 'deleted', 'moved', 'untouched']) {
            writeFileSync(join(root, name), name);
          }
        },
      );
    },
  );

  it('goes on where it was when the process ended, and then looks at everything once more', () => {
    inDirectory((directory) => {
      const root = join(directory, 'watched');
      for (const name of ['a', 'b', 'c', 'd']) {
        mkdirSync(join(root, name), { recursive: true });
        writeFileSync(join(root, name, 'file'), name);
      }
      const file = join(directory, 'ledger.db');
      let at = 0;
      const first = new TestLedger(file, { elapsed: () => (at += 600) }).rules([rule({ path: root })]);
      while ((first.last('baseline')?.entries ?? 0) < 6 && first.turn());
      expect(first.last('baseline')?.state).toBe('building');
      first.stop();
      const entries = first.last('baseline')?.entries ?? 0;
      expect(entries).toBeGreaterThan(5);
      expect(entries).toBeLessThan(9);
      // What was walked already changes while nobody listens: the second look finds it.
      const walked = ['a', 'b', 'c', 'd'].filter((name) => existsSync(join(root, name)));
      for (const name of walked) appendFileSync(join(root, name, 'file'), '!');
      const second = new TestLedger(file).rules([rule({ path: root })]).drain();
      expect(second.last('baseline')).toMatchObject({ state: 'complete', entries: 9 });
      const changed = second.events();
      expect(changed.length).toBeGreaterThan(0);
      expect(changed.every(({ event }) => event.action === 'updated')).toBe(true);
      second.stop();
    });
  });

  it('R199 comes again when it is due, and after losses where they were', () => {
    let now = Date.now();
    inDirectory((directory) => {
      const root = join(directory, 'watched');
      for (const name of ['a', 'b']) mkdirSync(join(root, name), { recursive: true });
      const ledger = new TestLedger(join(directory, 'l.db'), { now: () => now });
      ledger.rules([rule({ path: root })], { rescanHours: 2 }).drain();
      writeFileSync(join(root, 'a/file'), '1');
      writeFileSync(join(root, 'b/file'), '1');
      ledger.ledger.receive({ kind: 'lost', lost: { reason: 'overflow', below: [join(root, 'a')] } });
      const [found, ...others] = ledger.drain().events();
      expect([found?.file.path, found?.wayfarer.detected, others]).toEqual([
        join(root, 'a/file'),
        'rescan',
        [],
      ]);
      now += 2 * 3_600_000;
      ledger.ledger.receive({ kind: 'resume' });
      expect(ledger.drain().brief(root)).toEqual(['created b/file']);
      ledger.stop();
    });
  });

  it('leaves what changed just now to whoever was heard doing it', () => {
    inDirectory((directory) => {
      const root = join(directory, 'watched');
      mkdirSync(root);
      let now = Date.now();
      const ledger = new TestLedger(join(directory, 'l.db'), { settleMs: 5_000, now: () => now });
      now += 60_000;
      ledger.rules([rule({ path: root })]).drain();
      now = Date.now();
      writeFileSync(join(root, 'file'), '1');
      ledger.ledger.receive({ kind: 'lost', lost: { reason: 'error', below: [] } });
      for (let turns = 0; turns < 10; turns += 1) ledger.turn();
      expect(ledger.events()).toEqual([]);
      ledger.examine(examination(join(root, 'file'), created | WRITTEN, { by: { presence: actor(3) } }));
      for (let turns = 0; turns < 3; turns += 1) ledger.turn();
      expect(ledger.events()[0]?.wayfarer.actor.state).toBe('known');
      now += 60_000;
      expect(ledger.drain().events()).toEqual([]);
      ledger.stop();
    });
  });

  it('rests as long as the share of one core demands', () => {
    inDirectory((directory) => {
      const root = join(directory, 'watched');
      for (let n = 0; n < 40; n += 1) mkdirSync(join(root, String(n)), { recursive: true });
      let at = 0;
      const waits: number[] = [];
      const ledger = new TestLedger(join(directory, 'l.db'), {
        elapsed: () => (at += 5),
        schedule: (ms, call) => {
          waits.push(ms);
          queue.push(call);
          return () => queue.splice(queue.indexOf(call), 1);
        },
      });
      const queue: (() => void)[] = [];
      ledger.rules([rule({ path: root })], { sharePct: 5 });
      for (let call = queue.shift(); call !== undefined && waits.length < 400; call = queue.shift()) {
        at += waits.at(-1) ?? 0;
        call();
      }
      const rests = waits.filter((ms) => ms > 100 && ms < 600_000);
      expect(rests.length).toBeGreaterThan(3);
      expect(Math.max(...rests)).toBeLessThanOrEqual(1_000);
      ledger.stop();
    });
  });
});

describe('the file of the ledger', () => {
  it('is for nobody else, and is made with the directories above it', () => {
    inDirectory((directory) => {
      const file = join(directory, 'a/b/ledger.db');
      const ledger = new TestLedger(file).rules([rule({ path: directory })]).drain();
      expect(statSync(file).mode & 0o777).toBe(0o600);
      expect(statSync(join(directory, 'a')).mode & 0o777).toBe(0o700);
      ledger.stop();
    });
  });

  it('is set aside when it is damaged; a new chain and a full baseline follow, and a line says so', () => {
    watching(
      (root, ledger, file) => {
        writeFileSync(join(root, 'x'), '');
        ledger.examine(examination(join(root, 'x'), created));
        const chain = ledger.drain().events()[0]?.wayfarer.chain;
        ledger.stop();
        const length = statSync(file).size;
        const bytes = readFileSync(file);
        for (let at = 4_096; at < length; at += 512) bytes.fill(0xa5, at, at + 64);
        writeFileSync(file, bytes);
        const again = new TestLedger(file).rules([rule({ path: root })]).drain();
        expect(again.last('log')?.message).toMatch(/damaged and is now .*\.damaged-/);
        expect(again.events()).toEqual([]);
        expect(again.last('baseline')).toMatchObject({ state: 'complete', entries: 2 });
        writeFileSync(join(root, 'y'), '');
        again.examine(examination(join(root, 'y'), created));
        const next = again.drain().events()[0]?.wayfarer.chain;
        expect(next?.sequence).toBe(1);
        expect(next?.id).not.toBe(chain?.id);
        again.stop();
      },
      (root) => {
        symlinkSync('nowhere', join(root, 'link'));
        rmSync(join(root, 'link'));
      },
    );
  });

  it('of a newer version is not touched: it says so and tries again', () => {
    inDirectory((directory) => {
      const file = join(directory, 'ledger.db');
      mkdirSync(file);
      const ledger = new TestLedger(file).rules([rule({ path: directory })]);
      ledger.turn();
      expect(ledger.last('stopped')?.text).toContain('is not a plain file');
      rmSync(file, { recursive: true });
      ledger.drain();
      expect(ledger.last('stopped')?.text).toBe('');
      expect(ledger.last('baseline')?.state).toBe('complete');
      ledger.stop();
      truncateSync(file, 0);
    });
  });
});
