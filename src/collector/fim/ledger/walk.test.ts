import {
  appendFileSync,
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { because, noRoot } from '../../../../test/support/reason.ts';
import { CHANGE } from '../change.ts';
import { TestLedger, actor, examination, inDirectory, rule, watching } from './testing/test-ledger.ts';

const { created, modified, closedAfterWrite } = CHANGE;
const WRITTEN = modified | closedAfterWrite;

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
          // Whoever read it would find another content than is known under the very times that are known.
          const db = new DatabaseSync(file);
          db.exec("UPDATE entries SET sha256 = zeroblob(32), racy = 0 WHERE name = 'untouched'");
          db.close();
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
      now += 3_600_000;
      ledger.ledger.receive({ kind: 'lost', lost: { reason: 'overflow', below: [join(root, 'a')] } });
      const [found, ...others] = ledger.drain().events();
      expect([found?.file.path, found?.wayfarer.detected, others]).toEqual([
        join(root, 'a/file'),
        'rescan',
        [],
      ]);
      // What was walked in part puts off no walk of everything.
      now += 3_600_000;
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

describe('the look at a new directory', () => {
  it('R208 waits for the source to tell who changes a file in it all the time, and names nobody before', () => {
    inDirectory((directory) => {
      const root = join(directory, 'watched');
      const log = join(root, 'new/log');
      mkdirSync(root);
      // Behind the clock of the files, so that whatever is written has only just been written.
      let clock = Date.now();
      const ledger = new TestLedger(join(directory, 'l.db'), { settleMs: 5_000, now: () => clock });
      ledger.rules([rule({ path: root })]);
      clock += 60_000;
      ledger.drain();
      clock = Date.now() - 4_000;
      mkdirSync(join(root, 'new'));
      writeFileSync(log, '1');
      ledger.examine(examination(join(root, 'new'), created, { directory: true }), examination(log, created));
      ledger.turn();
      expect(ledger.events()).toHaveLength(2);
      appendFileSync(log, '2');
      for (let tries = 0; tries < 5; tries += 1) {
        clock = Date.now() + 1_500;
        for (let turns = 0; turns < 4; turns += 1) ledger.turn();
      }
      expect(ledger.events()).toEqual([]);
      ledger.examine(examination(log, WRITTEN, { by: { content: actor(7) } }));
      ledger.turn();
      expect(ledger.events()).toMatchObject([{ wayfarer: { actor: { process: { pid: 7 } } } }]);
      ledger.stop();
    });
  });
});
