import { lstatSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FIM_WANTED, type FimRule, type FimWanted } from '../../../shared/file-integrity.ts';
import { SEVERITIES, type FimEvent } from '../../../shared/host-events.ts';
import { decodePath } from './host-path.ts';
import { coalesced, operation, perform } from './testing/operations.ts';
import { inDirectory, listing, os, rule, TestLedger } from './testing/test-ledger.ts';

/** Rules of parts of a directory, which overlap and want different things. */
const rules = fc.array(
  fc.record({
    kind: fc.constantFrom('directory', 'directory', 'file'),
    path: fc.constantFrom('.', 'a', 'b', 'c', 'a/b'),
    severity: fc.constantFrom(...SEVERITIES),
    events: fc.subarray([...FIM_WANTED], { minLength: 1 }),
    recursive: fc.boolean(),
  }),
  { minLength: 1, maxLength: 4 },
);

const FILES = ['c', 'd', 'a/a', 'a/c', 'a/b/a', 'b/b'];
const DIRECTORIES = ['a', 'b', 'a/b'];
/** Of what is there at first, to where somebody listens or not, or where something is. */
const move = fc.record({
  kind: fc.constant('rename' as const),
  at: fc.constantFrom(...FILES, ...DIRECTORIES),
  to: fc.constantFrom(...FILES, 'a/d', 'b/d', 'c/d', 'b/a', 'e'),
  says: fc.boolean(),
});

function fill(root: string): void {
  for (const name of DIRECTORIES) mkdirSync(join(root, name));
  for (const name of FILES) writeFileSync(join(root, name), name);
}

const covers = ({ kind, path, recursive }: FimRule, at: string): boolean =>
  at === path ||
  (kind === 'directory' &&
    at.startsWith(`${path}/`) &&
    (recursive || !at.slice(path.length + 1).includes('/')));

/** What stands at each path: an inode by its number and birth. Paths are as in events. */
function inodes(root: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const path of listing(root).keys()) {
    const { ino, birthtimeNs } = lstatSync(decodePath(path, os), { bigint: true });
    found.set(path, `${ino} ${birthtimeNs}`);
  }
  return found;
}

/**
 * Paths that are in one listing alone, with the rules that want to hear of it. Whoever does not want renames need not hear of
 * a file that the rule covers before and after.
 */
function ends(
  here: ReadonlyMap<string, string>,
  there: ReadonlyMap<string, string>,
  rules: readonly FimRule[],
  kind: FimWanted,
): { readonly path: string; readonly wanting: readonly FimRule[] }[] {
  return [...here].flatMap(([path, inode]) => {
    if (there.has(path)) return [];
    const places = [...there].filter(([, other]) => other === inode).map(([place]) => place);
    const isRenamed = (rule: FimRule): boolean => places.some((place) => covers(rule, place));
    const wanting = rules.filter(
      (rule) =>
        covers(rule, path) &&
        rule.events.includes(kind) &&
        (rule.events.includes('rename') || !isRenamed(rule)),
    );
    return wanting.length === 0 ? [] : [{ path, wanting }];
  });
}

const gravity = (severity: (typeof SEVERITIES)[number]): number => SEVERITIES.indexOf(severity);

/** Whether the rule that an event names wants what it tells. */
function isWanted({ event, file }: FimEvent, { events, ...named }: FimRule): boolean {
  const isOf = (path: string | undefined): boolean =>
    path !== undefined && covers({ events, ...named }, path);
  const [here, before] = [isOf(file.path), isOf(file.previous_path)];
  const isMoved = file.previous_path !== undefined && events.includes('rename') && (here || before);
  const isLeft = before && !here && events.includes('delete');
  switch (event.action) {
    case 'created':
      return here && events.includes('create');
    case 'deleted':
      return here && events.includes('delete');
    case 'moved':
      return isMoved || isLeft || (here && !before && events.includes('create'));
    default:
      return isMoved || isLeft || events.some((kind) => ['content', 'attributes', 'security'].includes(kind));
  }
}

describe('several rules', () => {
  it('R200 R206 are each told what they want of what came and went, by an event as grave as they say and under one that wants it', () => {
    fc.assert(
      fc.property(
        rules,
        fc.array(fc.oneof({ weight: 2, arbitrary: move }, operation), { minLength: 1, maxLength: 6 }),
        (given, after) =>
          inDirectory((directory) => {
            const root = join(directory, 'watched');
            mkdirSync(root);
            const all = given.map((one, n) => rule({ ...one, id: String(n), path: join(root, one.path) }));
            fill(root);
            const ledger = new TestLedger(join(directory, 'l.db')).rules(all).drain();
            const known = inodes(root);
            // A second name of a file is no move, and which of several was moved nobody can say.
            const heard = after.flatMap((one) =>
              one.kind === 'examine' || one.kind === 'link' ? [] : perform(root, one),
            );
            ledger.examine(...coalesced(heard));
            const events = ledger.drain().events();
            const now = inodes(root);
            const missed = [
              ...ends(known, now, all, 'delete').map((end) => ({
                ...end,
                told: events.filter(
                  ({ event, file }) =>
                    file.previous_path === end.path || (file.path === end.path && event.action === 'deleted'),
                ),
              })),
              ...ends(now, known, all, 'create').map((end) => ({
                ...end,
                told: events.filter(
                  ({ event, file }) => file.path === end.path && ['created', 'moved'].includes(event.action),
                ),
              })),
            ].filter(({ wanting, told }) => {
              const least = Math.max(...wanting.map(({ severity }) => gravity(severity)));
              return !told.some(({ wayfarer }) => gravity(wayfarer.severity) >= least);
            });
            expect(missed).toEqual([]);
            const unwanted = events.filter((event) => !isWanted(event, all[Number(event.rule.id)]!));
            expect(unwanted).toEqual([]);
            ledger.stop();
          }),
      ),
      { numRuns: 100 },
    );
  }, 120_000);
});
