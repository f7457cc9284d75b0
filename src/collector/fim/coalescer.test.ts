import { describe, expect, it } from 'vitest';
import { CHANGE } from './change.ts';
import { COALESCER_LIMITS } from './coalescer.ts';
import { by, byUnknown } from './testing/changes.ts';
import { coalescing as open } from './testing/coalescing.ts';

const { created, modified, closedAfterWrite, attributes, deleted, movedFrom, movedTo } = CHANGE;

describe('gathering of changes', () => {
  it('R199 has a file looked at as soon as it is closed', () => {
    const { take, items } = open();
    take(['/etc/a', created], ['/etc/a', modified], ['/etc/a', closedAfterWrite]);
    expect(items()).toStrictEqual([
      {
        path: '/etc/a',
        what: created | modified | closedAfterWrite,
        directory: false,
        at: 0,
        by: { presence: by(1), content: by(1) },
        others: [],
        provider: 'test',
      },
    ]);
  });

  it.each([
    ['deleted', deleted],
    ['moved away', movedFrom],
    ['moved to', movedTo],
    ['given other attributes', attributes],
  ])('has what was %s looked at at once', (_name, what) => {
    const { take, paths } = open();
    take(['/etc/a', what]);
    expect(paths()).toEqual(['/etc/a']);
  });

  it('R208 names nobody for what nobody touched', () => {
    const { take, items } = open();
    take(['/etc/a', attributes]);
    expect(items()[0]?.by).toStrictEqual({ attributes: by(1) });
  });

  it('has one timer run, for what is due first, and none where nothing waits', () => {
    const { take, waits, timers, coalescer } = open();
    take(['/log', modified]);
    take(['/other', modified]);
    expect(waits).toEqual([2_000]);
    take(['/new', created]);
    expect(waits).toEqual([100]);
    timers.pass(100);
    expect(waits).toEqual([1_900]);
    coalescer.examined();
    timers.pass(1_900);
    expect(coalescer.size).toBe(0);
    expect(waits).toEqual([]);
    coalescer.examined();
    take(['/brief', created]);
    take(['/brief', deleted]);
    expect(waits).toEqual([]);
  });

  it('waits a moment for a new file to be closed, and longer for one that is only written to', () => {
    const { take, paths, timers } = open();
    take(['/etc/new', created], ['/etc/log', modified]);
    timers.pass(99);
    expect(paths()).toEqual([]);
    timers.pass(1);
    expect(paths()).toEqual(['/etc/new']);
    timers.pass(1_899);
    expect(paths()).toEqual(['/etc/new']);
    timers.pass(1);
    expect(paths()).toEqual(['/etc/new', '/etc/log']);
  });

  it.each([
    ['linux', '/a/d', '/b/d', '/'],
    ['win32', 'C:\\a\\d', 'C:\\b\\d', '\\'],
  ] as const)('takes what waits below a directory along when it is moved (%s)', (os, from, to, separator) => {
    const { take, paths, timers } = open(os);
    take([`${from}${separator}f`, modified], [to, movedTo, { directory: true, from }]);
    timers.pass(2_000);
    expect(paths()).toContain(`${to}${separator}f`);
  });

  it('says that all of it is late only where nothing was heard since', () => {
    const { take, items, timers } = open();
    take(['/a', created, { late: true }], ['/b', created, { late: true }], ['/b', modified]);
    timers.pass(2_000);
    expect(items().map(({ path, late }) => [path, late])).toEqual([
      ['/a', true],
      ['/b', undefined],
    ]);
  });

  it('does not wait with a directory', () => {
    const { take, paths } = open();
    take(['/etc/d', created, { directory: true }]);
    expect(paths()).toEqual(['/etc/d']);
  });

  it('lets a file rest between two looks, ever longer while it keeps changing, and never loses its last change', () => {
    const { take, items, timers, coalescer } = open();
    const looks: number[] = [];
    for (let second = 0; second < 400; second += 1) {
      const before = items().length;
      take(['/var/log/syslog', closedAfterWrite]);
      timers.pass(250);
      coalescer.examined();
      if (items().length > before) looks.push(timers.now());
    }
    timers.pass(30_000);
    coalescer.examined();
    expect(items().length).toBeLessThan(12);
    expect(items().length).toBeGreaterThan(6);
    expect(coalescer.size).toBe(0);
    take(['/var/log/other', closedAfterWrite]);
    expect(items().at(-1)?.path).toBe('/var/log/other');
  });

  it('R208 has what is gone looked at without a rest, while its actor is known, and lets what is made anew rest', () => {
    const { take, paths, items, timers, coalescer } = open();
    take(['/etc/a', closedAfterWrite]);
    coalescer.examined();
    take(['/etc/a', deleted]);
    expect(paths()).toEqual(['/etc/a', '/etc/a']);
    expect(items().at(-1)).toMatchObject({ what: deleted, at: timers.now() });
    coalescer.examined();
    take(['/etc/a', created | closedAfterWrite]);
    expect(paths()).toHaveLength(2);
    take(['/etc/a', movedFrom]);
    expect(paths()).toHaveLength(3);
  });

  it('R200 has what was moved away looked at together with where it went, also where that rests', () => {
    const { take, items, paths, timers, coalescer } = open();
    take(['/etc/passwd', closedAfterWrite]);
    coalescer.examined();
    take(['/etc/passwd.new', movedFrom], ['/etc/passwd', movedTo, { from: '/etc/passwd.new' }]);
    expect(paths()).toEqual(['/etc/passwd']);
    timers.pass(500);
    expect(paths().slice(1).sort()).toEqual(['/etc/passwd', '/etc/passwd.new']);
    expect(items().find(({ path, from }) => path === '/etc/passwd' && from !== undefined)?.from).toBe(
      '/etc/passwd.new',
    );
  });

  it('lets a file rest that was removed and made anew in one go, as if it had not been gone', () => {
    const { take, paths, timers, coalescer } = open();
    take(['/etc/a', closedAfterWrite]);
    coalescer.examined();
    take(['/etc/a', deleted], ['/etc/a', created], ['/etc/a', closedAfterWrite]);
    expect(paths()).toEqual(['/etc/a']);
    timers.pass(500);
    expect(paths()).toEqual(['/etc/a', '/etc/a']);
  });

  it('R200 never has the two ends of a move looked at apart, however many wait and however long the target rests', () => {
    const { take, batches, timers, coalescer } = open();
    for (let n = 0; n < 6; n += 1) {
      take(['/b', closedAfterWrite]);
      coalescer.examined();
      timers.pass(600 * 2 ** n);
      coalescer.examined();
    }
    const filler = Array.from({ length: 499 }, (_, n): [string, number] => [`/f${n}`, modified]);
    take(...filler, ['/a', movedFrom], ['/b', movedTo, { from: '/a' }]);
    timers.pass(4_000);
    const holding = batches.filter((items) => items.some(({ path }) => path === '/a'));
    expect(holding).toHaveLength(1);
    expect(holding[0]?.find(({ path }) => path === '/b')?.from).toBe('/a');
  });

  it('R208 leaves what was removed below a directory where it was, when the directory is moved', () => {
    const { take, items, timers, coalescer } = open();
    take(['/d/gone', modified], ['/d/kept', modified], ['/d/gone', deleted, { by: by(5) }]);
    take(['/d', movedFrom, { directory: true }], ['/e', movedTo, { from: '/d', directory: true }]);
    coalescer.examined();
    timers.pass(2_000);
    const paths = items().map(({ path }) => path);
    expect(paths).toContain('/d/gone');
    expect(paths).toContain('/e/kept');
    expect(items().find(({ path }) => path === '/d/gone')?.by.presence).toEqual(by(5));
  });

  it('forgets the rest of a file that was quiet for a while', () => {
    const { take, items, timers, coalescer } = open();
    take(['/etc/a', closedAfterWrite]);
    coalescer.examined();
    timers.pass(1_000);
    take(['/etc/a', closedAfterWrite]);
    expect(items()).toHaveLength(2);
    coalescer.examined();
    timers.pass(499);
    take(['/etc/a', closedAfterWrite]);
    expect(items()).toHaveLength(2);
    timers.pass(1);
    expect(items()).toHaveLength(3);
  });

  it('keeps who did what apart: the last one of each facet, and the others beside', () => {
    const { take, items, timers } = open();
    take(['/etc/a', created, { by: by(1) }], ['/etc/a', modified, { by: by(2) }]);
    for (const pid of [3, 2, 3, 2]) take(['/etc/a', modified, { by: by(pid) }]);
    timers.pass(2_000);
    expect(items()[0]?.by).toEqual({ presence: by(1), content: by(2) });
    expect(items()[0]?.others).toEqual([by(2), by(3)]);
  });

  it('does not take who closes a file for who wrote it, unless nobody else is known', () => {
    const { take, items } = open();
    take(['/etc/a', modified, { by: by(1) }], ['/etc/a', closedAfterWrite, { by: by(2) }]);
    take(['/etc/mapped', closedAfterWrite, { by: by(2) }]);
    expect(items().map((item) => item.by.content)).toEqual([by(1), by(2)]);
  });

  it('tells unknown processes apart by pid, and the same process in another image', () => {
    const { take, items } = open();
    take(
      ['/a', attributes, { by: byUnknown(7) }],
      ['/a', attributes, { by: byUnknown(8) }],
      ['/b', attributes, { by: by(7, '/bin/sh') }],
      ['/b', attributes, { by: by(7, '/bin/mv') }],
      ['/c', attributes, { by: byUnknown(7) }],
      ['/c', attributes, { by: byUnknown(7) }],
    );
    expect(items().map(({ others }) => others)).toEqual([[byUnknown(7)], [by(7, '/bin/sh')], []]);
  });

  it('names at most eight others', () => {
    const { take, items, timers } = open();
    for (let pid = 1; pid <= 20; pid += 1) take(['/etc/a', modified, { by: by(pid) }]);
    timers.pass(2_000);
    expect(items()[0]?.others).toHaveLength(8);
    expect(items()[0]?.by.content).toEqual(by(20));
  });

  it('gives a file that was moved over another the writer of its content, through any number of names', () => {
    const { take, items } = open();
    take(
      ['/etc/.tmp1', created, { by: by(1) }],
      ['/etc/.tmp1', modified, { by: by(1) }],
      ['/etc/.tmp2', movedTo, { from: '/etc/.tmp1', by: by(2) }],
      ['/etc/passwd', movedTo, { from: '/etc/.tmp2', by: by(3) }],
    );
    const last = items().find(({ path }) => path === '/etc/passwd');
    expect(last?.by).toEqual({ presence: by(3), content: by(1) });
    expect(last?.from).toBe('/etc/.tmp1');
    expect(last?.what).toBe(movedTo | modified);
  });

  it('forgets where a file came from once it was deleted or made anew', () => {
    const { take, items, timers } = open();
    take(['/b', movedTo, { from: '/a' }], ['/b', deleted], ['/b', created]);
    take(['/c', movedTo, { from: '/a' }], ['/c', modified]);
    timers.pass(2_000);
    expect(items().map(({ path, from }) => [path, from])).toEqual([
      ['/c', '/a'],
      ['/b', undefined],
    ]);
  });

  it('looks for what waited below a directory where it was moved to, and not at its old place', () => {
    const { take, paths, timers } = open();
    take(['/d/sub/f', modified], ['/dx/f', modified]);
    take(['/e', movedTo, { from: '/d', directory: true }]);
    timers.pass(2_000);
    expect(paths()).toEqual(['/e', '/dx/f', '/e/sub/f']);
  });

  it('gives the ledger two batches of 500 at a time, and the next when one is done', () => {
    const { take, batches, numbers, waits, coalescer } = open();
    take(...Array.from({ length: 1_200 }, (_, n): [string, number] => [`/f${n}`, deleted]));
    expect(batches.map((batch) => batch.length)).toEqual([500, 500]);
    take(['/f1199', attributes], ['/more', deleted]);
    expect(batches).toHaveLength(2);
    expect(waits).toEqual([]);
    coalescer.examined();
    expect(numbers).toEqual([1, 2, 3]);
    expect(batches[2]?.length).toBe(201);
    expect(batches[2]?.find(({ path }) => path === '/f1199')?.what).toBe(deleted | attributes);
  });

  /** As many changes as may wait. */
  const many = (name: string): [string, number][] =>
    Array.from({ length: COALESCER_LIMITS.pending }, (_, n) => [`/${name}${n}`, deleted]);

  it('has everything walked instead when more waits than may', () => {
    const { take, lost, coalescer } = open();
    take(...many('a'));
    expect(lost).toEqual([]);
    take(...many('b'));
    expect(lost).toEqual([{ reason: 'overflow', below: [], count: 199_000 }]);
    expect(coalescer.size).toBe(0);
  });

  it('begins anew after that: nothing waits for a time, and nothing rests', () => {
    const { take, lost, waits, batches, coalescer } = open();
    take(['/busy', closedAfterWrite]);
    coalescer.examined();
    take(['/log', modified]);
    take(...many('a'), ['/one/more', deleted]);
    expect(lost).toHaveLength(1);
    expect(waits).toEqual([]);
    take(['/busy', closedAfterWrite]);
    expect(batches.map((batch) => batch.map(({ path }) => path))).toEqual([['/busy'], ['/busy']]);
  });

  it('remembers of so many paths when they were looked at, those that were looked at last', () => {
    const { take, batches, coalescer } = open();
    for (let n = 0; n < COALESCER_LIMITS.recent; n += 500) {
      take(...Array.from({ length: 500 }, (_, m): [string, number] => [`/f${n + m}`, deleted]));
      coalescer.examined();
    }
    for (const path of ['/f0', '/new']) {
      take([path, deleted]);
      coalescer.examined();
    }
    take(['/f0', closedAfterWrite], ['/f1', closedAfterWrite], ['/f2', closedAfterWrite]);
    expect(batches.at(-1)?.map(({ path }) => path)).toEqual(['/f1']);
  });
});
