import {
  appendFileSync,
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmdirSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CHANGE } from '../change.ts';
import { actor, apply, examination, inDirectory, listing, rule, TestLedger } from './testing/test-ledger.ts';
import type { Examination } from './messages.ts';

const NAMES = ['a', 'b', 'c', 'd%\n'];

/** Paths of up to three names, few enough that operations meet. */
const path = fc
  .array(fc.constantFrom(...NAMES), { minLength: 1, maxLength: 3 })
  .map((names) => names.join('/'));
const operation = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('write' as const),
      at: path,
      text: fc.string({ maxLength: 3 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('mkdir' as const), at: path }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('rename' as const), at: path, to: path, says: fc.boolean() }),
  },
  fc.record({
    kind: fc.constant('append' as const),
    at: path,
    text: fc.string({ minLength: 1, maxLength: 3 }),
  }),
  fc.record({ kind: fc.constant('chmod' as const), at: path, mode: fc.constantFrom(0o700, 0o755, 0o640) }),
  fc.record({ kind: fc.constant('touch' as const), at: path, time: fc.constantFrom(1_000, 2_000) }),
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('delete' as const), at: path }) },
  fc.record({ kind: fc.constant('link' as const), at: path, to: path }),
  fc.record({
    kind: fc.constant('symlink' as const),
    at: path,
    text: fc.constantFrom('a', '../b', 'nowhere'),
  }),
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('examine' as const), turns: fc.integer({ min: 0, max: 4 }) }),
  },
);
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

const { created, modified, closedAfterWrite, attributes, deleted, movedFrom, movedTo } = CHANGE;
const WRITTEN = modified | closedAfterWrite;

/** What the kernel tells of an operation that worked; nothing where it did not. */
function perform(root: string, operation: Exclude<Operation, { kind: 'examine' }>): Examination[] {
  const at = join(root, operation.at);
  // Sources tell of the file that was reached, not of the links on the way.
  const places = 'to' in operation ? [operation.at, operation.to] : [operation.at];
  if (places.some((place) => isThroughLink(root, place))) return [];
  const by = { presence: actor(1), content: actor(1), attributes: actor(1) };
  const heard = (path: string, what: number, more: Partial<Examination> = {}): Examination =>
    examination(path, what, { by, ...more });
  try {
    switch (operation.kind) {
      case 'write': {
        if (lstatSync(at, { throwIfNoEntry: false })?.isSymbolicLink() === true) return [];
        const isNew = !existsSync(at);
        writeFileSync(at, operation.text);
        return [heard(at, isNew ? created | WRITTEN : WRITTEN)];
      }
      case 'append':
        if (!lstatSync(at).isFile()) return [];
        appendFileSync(at, operation.text);
        return [heard(at, WRITTEN)];
      case 'mkdir':
        mkdirSync(at);
        return [heard(at, created, { directory: true })];
      case 'chmod':
        if (lstatSync(at).isSymbolicLink()) return [];
        chmodSync(at, operation.mode);
        return [heard(at, attributes)];
      case 'touch':
        if (!lstatSync(at).isFile()) return [];
        utimesSync(at, operation.time, operation.time);
        return [heard(at, attributes)];
      case 'rename': {
        const to = join(root, operation.to);
        const directory = lstatSync(at).isDirectory();
        renameSync(at, to);
        const from = operation.says ? { from: at } : {};
        return [heard(at, movedFrom, { directory }), heard(to, movedTo, { directory, ...from })];
      }
      case 'link': {
        const to = join(root, operation.to);
        linkSync(at, to);
        return [heard(to, created)];
      }
      case 'symlink':
        symlinkSync(operation.text, at);
        return [heard(at, created)];
      case 'delete':
        return remove(at).map((path) => heard(path, deleted));
    }
  } catch {
    return [];
  }
}

function isThroughLink(root: string, place: string): boolean {
  const above = dirname(join(root, place));
  return existsSync(above) && realpathSync(above) !== above;
}

/** Removes a tree as rm(1) does, the deepest first. Returns what was removed. */
function remove(at: string): string[] {
  if (!lstatSync(at).isDirectory()) {
    unlinkSync(at);
    return [at];
  }
  const below = readdirSync(at).flatMap((name) => remove(join(at, name)));
  rmdirSync(at);
  return [...below, at];
}

/** Joins what was heard of one path since it was last looked at. */
function coalesced(items: readonly Examination[]): Examination[] {
  const byPath = new Map<string, Examination>();
  for (const item of items) {
    const before = byPath.get(item.path);
    byPath.delete(item.path);
    byPath.set(
      item.path,
      before === undefined ? item : { ...before, ...item, what: before.what | item.what },
    );
  }
  return [...byPath.values()];
}

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
        { numRuns: 100 },
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
