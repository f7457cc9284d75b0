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
import { CHANGE } from '../../change.ts';
import type { Examination } from '../messages.ts';
import { actor, examination } from './test-ledger.ts';

const NAMES = ['a', 'b', 'c', 'd%\n'];

/** Paths of up to three names, few enough that operations meet. */
const path = fc
  .array(fc.constantFrom(...NAMES), { minLength: 1, maxLength: 3 })
  .map((names) => names.join('/'));
/** Something that is done in a watched directory, or that what was heard so far is looked at. */
export const operation = fc.oneof(
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
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('link' as const), at: path, to: path }) },
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

/** Does it below `root`. Returns what the kernel tells of it if it worked; nothing where it did not. */
export function perform(root: string, operation: Exclude<Operation, { kind: 'examine' }>): Examination[] {
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
export function coalesced(items: readonly Examination[]): Examination[] {
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
