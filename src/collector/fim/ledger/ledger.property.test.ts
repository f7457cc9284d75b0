import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Examination } from './messages.ts';
import { coalesced, operation, perform } from './testing/operations.ts';
import { apply, inDirectory, listing, rule, TestLedger } from './testing/test-ledger.ts';

describe('net changes', () => {
  it.each([
    ['as one batch or many', 0],
    ['with other work between any two steps', 11],
  ])(
    'R199 R200 lead from the listing before to the one after, whatever happened: %s',
    (_, stepMs) => {
      fc.assert(
        fc.property(
          fc.array(operation, { maxLength: 12 }),
          fc.array(operation, { maxLength: 30 }),
          (before, after) =>
            inDirectory((directory) => {
              const root = join(directory, 'watched');
              mkdirSync(root);
              const ledger: TestLedger = new TestLedger(join(directory, 'ledger.db'), {
                ...(stepMs === 0 ? {} : { elapsed: ticking(stepMs) }),
              });
              for (const one of before) if (one.kind !== 'examine') perform(root, one);
              ledger.rules([rule({ path: root })]).drain();
              const listed = listing(root);
              expect(ledger.events()).toEqual([]);
              let heard: Examination[] = [];
              for (const one of after) {
                if (one.kind !== 'examine') heard.push(...perform(root, one));
                else {
                  if (heard.length > 0) ledger.examine(...coalesced(heard));
                  heard = [];
                  ledger.drain(one.turns);
                }
              }
              if (heard.length > 0) ledger.examine(...coalesced(heard));
              ledger.drain();
              const expected = listing(root);
              expect(apply(listed, ledger.events())).toEqual(expected);
              // What is reported once is not reported again by a walk.
              ledger.ledger.receive({ kind: 'lost', lost: { reason: 'overflow', below: [] } });
              ledger.drain();
              expect(ledger.events()).toEqual([]);
              ledger.stop();
            }),
        ),
        { numRuns: 200 },
      );
    },
    120_000,
  );

  it('R199 R200 of what happened while nobody listened are found by the walk at the next start', () => {
    fc.assert(
      fc.property(
        fc.array(operation, { maxLength: 15 }),
        fc.array(operation, { maxLength: 20 }),
        (before, after) =>
          inDirectory((directory) => {
            const root = join(directory, 'watched');
            mkdirSync(root);
            for (const one of before) if (one.kind !== 'examine') perform(root, one);
            const first = new TestLedger(join(directory, 'ledger.db')).rules([rule({ path: root })]).drain();
            first.stop();
            const listed = listing(root);
            for (const one of after) if (one.kind !== 'examine') perform(root, one);
            const second = new TestLedger(join(directory, 'ledger.db')).rules([rule({ path: root })]).drain();
            const events = second.events();
            expect(apply(listed, events)).toEqual(listing(root));
            expect(events.every(({ wayfarer }) => wayfarer.detected === 'baseline')).toBe(true);
            expect(events.every(({ wayfarer }) => wayfarer.actor.state === 'unknown')).toBe(true);
            second.stop();
          }),
      ),
      { numRuns: 80 },
    );
  }, 120_000);
});

/** A clock that goes on with every look, so that every slice is as short as can be. */
function ticking(stepMs: number): () => number {
  let at = 0;
  return () => (at += stepMs);
}
