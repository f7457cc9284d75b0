import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type Store } from './open.ts';
import { DRIVERS, openTest, withDir, withStore } from './store.fixture.ts';

describe.each(DRIVERS)('small values and commands over %s', (driver) => {
  const withLines = (work: (store: Store, lines: string[]) => void): Promise<void> => {
    const lines: string[] = [];
    const warn = (line: string): void => void lines.push(line);
    return withStore(
      driver,
      (store) => {
        work(store, lines);
      },
      { warn },
    );
  };

  it('gives a value back as its schema reads it, the newest one', () =>
    withLines(({ kv }) => {
      const Schedule = z.object({ due: z.number(), note: z.string().default('none') });
      expect(kv.get('schedule', Schedule)).toBeUndefined();
      kv.set('schedule', { due: 1 });
      kv.set('schedule', { due: 2 });
      expect(kv.get('schedule', Schedule)).toEqual({ due: 2, note: 'none' });
      kv.delete('schedule');
      expect(kv.get('schedule', Schedule)).toBeUndefined();
    }));

  it('takes a value that does not fit for absent and says which, without its content', () =>
    withLines(({ kv, sql }, lines) => {
      kv.set('count', 'hunter2');
      expect(kv.get('count', z.number())).toBeUndefined();
      sql.exec("UPDATE kv SET value = '{broken' WHERE key = 'count'");
      expect(kv.get('count', z.number())).toBeUndefined();
      expect(lines).toHaveLength(2);
      expect(lines[0]).toMatch(
        /^stored value count is unreadable and counts as absent: Invalid input: expected number/,
      );
      expect(lines.join()).not.toContain('hunter2');
    }));

  it('says where in a value it does not fit', () =>
    withLines(({ kv }, lines) => {
      const Nested = z.object({ last: z.object({ at: z.number() }) });
      kv.set('schedule', { last: { at: 'x' } });
      expect(kv.get('schedule', Nested)).toBeUndefined();
      expect(lines).toEqual([
        expect.stringMatching(
          /^stored value schedule is unreadable and counts as absent: last\.at: .*expected number/,
        ),
      ]);
    }));

  it('refuses what JSON can not hold', () =>
    withLines(({ kv }) => {
      expect(() => {
        kv.set('x', undefined);
      }).toThrow(new TypeError('the value of x is not JSON'));
    }));

  it('lets a command begin once, and knows an interrupted one from a finished one', () =>
    withDir(async (dir) => {
      const before = (await openTest(dir, driver)).store;
      expect(before.commands.begin('a', 'RESYNC')).toEqual({ state: 'new' });
      expect(before.commands.begin('b', 'RESYNC')).toEqual({ state: 'new' });
      before.commands.finish('b', 'DONE');
      before.commands.finish('b', 'FAILED');
      before.close();
      const { store } = await openTest(dir, driver);
      expect(store.commands.begin('a', 'RESYNC')).toEqual({ state: 'interrupted' });
      expect(store.commands.begin('b', 'RESYNC')).toEqual({ state: 'done', result: 'DONE' });
      expect(() => {
        store.commands.finish('c', 'DONE');
      }).toThrow('never begun');
      store.close();
    }));

  it('remembers the newest thousand commands', () =>
    withLines(({ commands, sql }) => {
      sql.exec('PRAGMA synchronous = OFF');
      for (let n = 1; n <= 1_002; n += 1) commands.begin(`c-${n}`, 'SCAN_NOW');
      expect(sql.prepare('SELECT COUNT(*) AS n FROM commands').get()).toEqual({ n: 1_000 });
      expect(commands.begin('c-3', 'SCAN_NOW')).toEqual({ state: 'interrupted' });
      expect(commands.begin('c-2', 'SCAN_NOW')).toEqual({ state: 'new' });
    }));
});
