import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { edrEvent, fimEvent } from '../../../../test/support/sealed-events.ts';
import { CHANGE } from '../change.ts';
import { LedgerStore } from './store.ts';
import { LedgerError } from './unavailable.ts';
import { actor, examination, inDirectory, rule, TestLedger, watching } from './testing/test-ledger.ts';

const { created, modified, closedAfterWrite } = CHANGE;
const WRITTEN = modified | closedAfterWrite;

describe('what a source hears late, and what is no file', () => {
  it('R199 a change out of a journal is no live one, and has its own time and actor', () => {
    watching(
      (root, ledger) => {
        const path = join(root, 'file');
        appendFileSync(path, 'x');
        const by = { content: actor(7) };
        ledger.examine(examination(path, WRITTEN, { by, at: Date.parse('2026-01-01'), late: true }));
        expect(ledger.drain().events()).toMatchObject([
          {
            '@timestamp': '2026-01-01T00:00:00.000Z',
            wayfarer: { detected: 'baseline', actor: { process: { pid: 7 } } },
          },
        ]);
      },
      (root) => {
        writeFileSync(join(root, 'file'), '');
      },
    );
  });

  it('R206 a value of the registry has its place in the chain of file integrity', () => {
    watching((root, ledger) => {
      const path = join(root, 'file');
      writeFileSync(path, '');
      ledger.examine(examination(path, created));
      const value = fimEvent({ path: 'HKLM\\Run\\x', type: 'registry' });
      ledger.ledger.receive({ kind: 'append', events: [value, edrEvent()] });
      const events = ledger.drain().events();
      expect(events.map(({ file }) => file.path).toSorted()).toEqual([path, 'HKLM\\Run\\x'].toSorted());
      const sequences = events.map(({ wayfarer }) => wayfarer.chain.sequence);
      expect(sequences.toSorted((a, b) => a - b)).toEqual([1, 2]);
      expect(ledger.edr.map(({ wayfarer }) => wayfarer.chain.sequence)).toEqual([1]);
      ledger.pass(1_000);
      expect(ledger.drain().last('baseline')?.eventsLastHour).toEqual({ fim: 2, edr: 1 });
    });
  });
});

describe('what is looked at', () => {
  it('R199 is durable and told at once, or in groups while more waits', () => {
    inDirectory((directory) => {
      const root = join(directory, 'watched');
      mkdirSync(root);
      let now = 0;
      // Every look at the clock takes its time: a turn is over after a few files.
      const ledger = new TestLedger(join(directory, 'l.db'), { elapsed: () => (now += 4) });
      ledger.rules([rule({ path: root })]).drain();
      const paths = Array.from({ length: 41 }, (_, n) => join(root, String(n)));
      for (const path of paths) writeFileSync(path, '');
      const [alone = '', ...others] = paths;
      ledger.examine(examination(alone, created));
      ledger.turn();
      expect(ledger.events()).toHaveLength(1);
      ledger.examine(...others.slice(0, 20).map((path) => examination(path, created)));
      ledger.examine(...others.slice(20).map((path) => examination(path, created)));
      ledger.turn();
      expect(ledger.fim).toEqual([]);
      let turns = 1;
      while (ledger.fim.length === 0) {
        ledger.turn();
        turns += 1;
      }
      expect(turns).toBeLessThan(13);
      expect(ledger.drain().events()).toHaveLength(40);
      ledger.stop();
    });
  });

  it('R205 is told once, and only when it is durable, where a group of it was not at first', () => {
    inDirectory((directory) => {
      const root = join(directory, 'watched');
      mkdirSync(root);
      const ledger = new TestLedger(join(directory, 'l.db')).rules([rule({ path: root })]).drain();
      const batches = ['a', 'b'].map((name) => {
        writeFileSync(join(root, name), '');
        return ledger.examine(examination(join(root, name), created));
      });
      const examined = (): number[] =>
        ledger.said.flatMap((message) => (message.kind === 'examined' ? [message.batch] : []));
      const full = vi.spyOn(LedgerStore.prototype, 'commit').mockImplementationOnce(() => {
        throw new LedgerError('STOPPED', 'the disk is full');
      });
      ledger.turn();
      expect([ledger.fim, examined()]).toEqual([[], []]);
      expect(ledger.last('stopped')?.text).toBe('the disk is full');
      full.mockRestore();
      expect(ledger.drain().brief(root)).toEqual(['created a', 'created b']);
      expect(examined()).toEqual(batches);
      expect(ledger.last('stopped')?.text).toBe('');
      ledger.stop();
    });
  });
});
