import { mkdirSync, readFileSync, rmSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CHANGE } from '../change.ts';
import { TestLedger, examination, inDirectory, rule, watching } from './testing/test-ledger.ts';

const { created } = CHANGE;

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
