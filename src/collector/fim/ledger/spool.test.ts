import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SENSOR_LIMITS } from '../../../shared/sensor.ts';
import { chainFault, CHAIN_START, headOf, type UnsealedEdrEvent } from '../../../wire/event-chain.ts';
import { CHANGE } from '../change.ts';
import { examination, inDirectory, rule, TestLedger } from './testing/test-ledger.ts';

const started = (n: number, filler = ''): UnsealedEdrEvent => ({
  '@timestamp': '2026-11-28T00:00:00.000Z',
  event: {
    id: `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`,
    kind: 'event',
    module: 'edr',
    category: ['process'],
    type: ['start'],
    action: 'process_started',
    severity: 1,
    provider: 'test',
  },
  process: { pid: n, command_line: filler },
  wayfarer: { severity: 'low' },
});

describe('the spool', () => {
  it('R208 sends what it holds in order, 500 at a time and 2,000 under way, until it is taken', () => {
    inDirectory((directory) => {
      const ledger = new TestLedger(join(directory, 'l.db'));
      ledger.takes = false;
      const events = Array.from({ length: 2_600 }, (_, n) => started(n + 1));
      ledger.ledger.receive({ kind: 'append', events });
      ledger.drain();
      expect(ledger.edr).toHaveLength(SENSOR_LIMITS.inFlight);
      const chain = ledger.edr[0]!.wayfarer.chain.id;
      ledger.ledger.receive({ kind: 'taken', stream: 'edr', chain, upTo: 700 });
      ledger.drain();
      expect(ledger.edr).toHaveLength(2_600);
      let head = { id: chain, sequence: 0, hash: CHAIN_START };
      for (const event of ledger.edr) {
        expect(chainFault(event, head)).toBeUndefined();
        head = headOf(event);
      }
      ledger.stop();
      // What was not taken goes again after a restart, with the same ids and hashes; what was taken does not.
      const again = new TestLedger(join(directory, 'l.db')).rules([]).drain();
      expect(again.edr).toEqual(ledger.edr.slice(700));
      expect(again.last('baseline')).toMatchObject({ state: 'none', spooled: 0 });
      again.stop();
    });
  });

  it('sends nothing while the core says pause, and ignores a word on another chain or on what was never sent', () => {
    inDirectory((directory) => {
      const ledger = new TestLedger(join(directory, 'l.db'));
      ledger.takes = false;
      ledger.ledger.receive({ kind: 'pause' });
      ledger.ledger.receive({ kind: 'append', events: [started(1), started(2)] });
      expect(ledger.drain().edr).toEqual([]);
      ledger.ledger.receive({ kind: 'taken', stream: 'edr', chain: 'another', upTo: 1 });
      ledger.ledger.receive({ kind: 'resume' });
      expect(ledger.drain().edr).toHaveLength(2);
      const chain = ledger.edr[0]!.wayfarer.chain.id;
      ledger.ledger.receive({ kind: 'taken', stream: 'edr', chain, upTo: 99 });
      ledger.drain().stop();
      expect(new TestLedger(join(directory, 'l.db')).rules([]).drain().edr).toHaveLength(2);
    });
  });

  it('R205 holds to its bound: files wait to be looked at, process events are counted as lost, and both go on', () => {
    inDirectory((directory) => {
      const root = join(directory, 'watched');
      mkdirSync(root);
      const ledger = new TestLedger(join(directory, 'l.db')).rules([rule({ path: root })]).drain();
      ledger.takes = false;
      const filler = 'x'.repeat(8_000);
      for (let n = 0; n < 18; n += 1) {
        ledger.ledger.receive({
          kind: 'append',
          events: Array.from({ length: 500 }, (_, m) => started(n * 500 + m + 1, filler)),
        });
        ledger.drain();
      }
      writeFileSync(join(root, 'file'), '');
      const batch = ledger.examine(examination(join(root, 'file'), CHANGE.created));
      ledger.drain();
      expect(ledger.fim).toEqual([]);
      expect(ledger.last('examined')?.batch).not.toBe(batch);
      ledger.takes = true;
      const { chain } = ledger.edr.at(-1)!.wayfarer;
      ledger.ledger.receive({ kind: 'taken', stream: 'edr', chain: chain.id, upTo: chain.sequence });
      ledger.drain();
      expect(ledger.fim.map(({ event }) => event.action)).toEqual(['created']);
      expect(ledger.last('examined')?.batch).toBe(batch);
      const gap = ledger.edr.at(-1)!;
      expect(gap.event.action).toBe('events_lost');
      const kept = ledger.edr.filter(({ event }) => event.action === 'process_started').length;
      expect(kept + (gap.wayfarer.lost ?? 0)).toBe(9_000);
      expect(kept).toBeGreaterThan(7_000);
      ledger.stop();
    });
  }, 60_000);
});
