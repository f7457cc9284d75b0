import { describe, expect, it } from 'vitest';
import { CHANGE } from './change.ts';
import { COALESCER_LIMITS } from './coalescer.ts';
import { by } from './testing/changes.ts';
import { coalescing } from './testing/coalescing.ts';

const { created, modified, attributes, deleted, movedFrom, movedTo } = CHANGE;
const DIRECTORY = { directory: true };

/** One less than a batch of paths that are due at once. */
const FILLER = Array.from({ length: COALESCER_LIMITS.batch - 1 }, (_, n): [string, number] => [
  `/f${n}`,
  deleted,
]);

describe('gathering of moves', () => {
  it.each<[string, Parameters<ReturnType<typeof coalescing>['take']>]>([
    [
      'the old name',
      [
        ['/a', movedFrom],
        ['/b', movedTo, { from: '/a' }],
      ],
    ],
    [
      'the new name',
      [
        ['/b', attributes],
        ['/a', movedFrom],
        ['/b', movedTo, { from: '/a' }],
      ],
    ],
    [
      'the first of three names',
      [
        ['/a', movedFrom],
        ['/b', movedTo, { from: '/a' }],
        ['/b', movedFrom],
        ['/c', movedTo, { from: '/b' }],
      ],
    ],
  ])('R200 has both ends of one in one batch, where %s is the last that has room in it', (_which, moves) => {
    const { take, batches } = coalescing();
    take(...FILLER, ...moves);
    const ends = new Set(moves.map(([path]) => path));
    expect(batches.map((batch) => batch.length)).toEqual([FILLER.length + ends.size]);
  });

  it('ends a chain of them with a batch', () => {
    const { take, batches } = coalescing();
    const chain = Array.from({ length: 600 }, (_, n): Parameters<typeof take> => [
      [`/m${n}`, movedFrom],
      [`/m${n + 1}`, movedTo, { from: `/m${n}` }],
    ]);
    take(...chain.flat());
    expect(batches.map((batch) => batch.length)).toEqual([500, 101]);
  });

  it('leaves a file that took the old name to wait for itself', () => {
    const { take, paths, timers, coalescer } = coalescing();
    take(['/a', movedFrom], ['/a', created], ['/b', movedTo, { from: '/a' }]);
    expect(paths()).toEqual(['/b']);
    coalescer.examined();
    timers.pass(100);
    expect(paths()).toEqual(['/b', '/a']);
  });

  it('R200 looks for a file where it is, once, when it was moved into a directory that was moved then', () => {
    const { take, paths } = coalescing();
    take(
      ['/a', movedFrom],
      ['/d/b', movedTo, { from: '/a' }],
      ['/d', movedFrom, DIRECTORY],
      ['/e', movedTo, { from: '/d', ...DIRECTORY }],
    );
    expect(paths().sort()).toEqual(['/a', '/d', '/e', '/e/b']);
  });

  it('R208 gives the new name all who touched the file, and leaves the old one who moved it away alone', () => {
    const { take, items } = coalescing();
    take(
      ['/a', modified, { by: by(1) }],
      ['/a', modified, { by: by(2) }],
      ['/a', attributes, { by: by(3) }],
      ['/a', movedFrom, { by: by(4) }],
      ['/b', movedTo, { from: '/a', by: by(4) }],
    );
    expect(items().map(({ path, what, by: who, others }) => ({ path, what, who, others }))).toStrictEqual([
      { path: '/a', what: movedFrom, who: { presence: by(4) }, others: [by(1)] },
      {
        path: '/b',
        what: movedTo | modified | attributes,
        who: { presence: by(4), content: by(2), attributes: by(3) },
        others: [by(1)],
      },
    ]);
  });

  it('R208 leaves who touched what stands at the new name, where nobody touched what was moved there', () => {
    const { take, items } = coalescing();
    take(
      ['/b', modified, { by: by(1) }],
      ['/b', attributes, { by: by(2) }],
      ['/a', movedFrom, { by: by(4) }],
      ['/b', movedTo, { from: '/a', by: by(4) }],
    );
    expect(items().find(({ path }) => path === '/b')?.by).toEqual({
      presence: by(4),
      content: by(1),
      attributes: by(2),
    });
  });

  it('R208 puts what waited below a directory together with what waited in its new place, behind the move', () => {
    const { take, items } = coalescing();
    take(
      ['/e/f', attributes, { by: by(2) }],
      ['/d/f', attributes, { by: by(1) }],
      ['/e', movedTo, { from: '/d', ...DIRECTORY }],
    );
    expect(items().map(({ path, by: who, others }) => [path, who.attributes, others])).toEqual([
      ['/e', undefined, []],
      ['/e/f', by(2), [by(1)]],
    ]);
  });

  it('leaves at its old place what was removed there before, and a directory that took the old name', () => {
    const { take, paths } = coalescing();
    take(['/d/gone', deleted], ['/d', created, DIRECTORY], ['/e', movedTo, { from: '/d', ...DIRECTORY }]);
    expect(paths().sort()).toEqual(['/d', '/d/gone', '/e']);
  });

  it('takes nothing along when a file is moved that has the name of a former directory', () => {
    const { take, paths, timers } = coalescing();
    take(['/d/f', modified], ['/d', movedFrom], ['/e', movedTo, { from: '/d' }]);
    timers.pass(2_000);
    expect(paths()).toEqual(['/d', '/e', '/d/f']);
  });
});
