import { describe, expect, it } from 'vitest';
import { ConditionBook } from './condition-book.ts';

function book(): { book: ConditionBook; changes: string[] } {
  const changes: string[] = [];
  const made = new ConditionBook((code, raised, text) =>
    changes.push(`${raised ? '+' : '-'}${code} ${text}`),
  );
  return { book: made, changes };
}

describe('the book of conditions', () => {
  it('tells of raising and clearing once, and keeps the first time with the newest values', () => {
    const { book: conditions, changes } = book();
    conditions.raise('NOT_CONFIGURED', 1_000, { missing: 'a', file: 'f' });
    conditions.raise('NOT_CONFIGURED', 2_000, { missing: 'b', file: 'f' });
    expect(conditions.all()).toEqual([
      { code: 'NOT_CONFIGURED', since: 1_000, values: { missing: 'b', file: 'f' } },
    ]);
    conditions.clear('NOT_CONFIGURED');
    conditions.clear('NOT_CONFIGURED');
    expect(changes.map((change) => change.slice(0, 15))).toEqual(['+NOT_CONFIGURED', '-NOT_CONFIGURED']);
    expect(changes[0]).toContain('Missing: a.');
    expect(changes[1]).toContain('Missing: b.');
    expect(conditions.all()).toEqual([]);
  });

  it('tells several of one code apart by their detail', () => {
    const { book: conditions } = book();
    conditions.raise('RESYNC', 0, {}, 'SCA');
    conditions.raise('RESYNC', 0, {}, 'FIM');
    conditions.clear('RESYNC', 'SCA');
    conditions.clear('RESYNC');
    expect(conditions.all()).toHaveLength(1);
  });

  it('shows what lasted long enough, and says when the next one will', () => {
    const { book: conditions } = book();
    conditions.raise('PLATFORM_UNREACHABLE', 1_000, { platform: 'p', reason: 'r', next: 'n' });
    expect(conditions.shown(30_999)).toEqual([]);
    expect(conditions.nextChangeAt(30_999)).toBe(31_000);
    expect(conditions.shown(31_000)).toMatchObject([
      {
        code: 'PLATFORM_UNREACHABLE',
        severity: 'warning',
        since: '1970-01-01T00:00:01.000Z',
        stopsUploads: true,
      },
    ]);
    expect(conditions.nextChangeAt(31_000)).toBeNull();
  });

  it('says of each whether it keeps anything from being sent', () => {
    const { book: conditions } = book();
    conditions.raise('TABLE_ERRORS', 0, { type: 'Inventory', tables: 'users' });
    conditions.raise('NOT_CONFIGURED', 0, { missing: 'a', file: 'f' });
    const stops = conditions.shown(0).map(({ code, stopsUploads }) => [code, stopsUploads]);
    expect(Object.fromEntries(stops)).toEqual({ TABLE_ERRORS: false, NOT_CONFIGURED: true });
  });

  it('names the first of several that will show', () => {
    const { book: conditions } = book();
    conditions.raise('PLATFORM_UNREACHABLE', 2_000);
    conditions.raise('PLATFORM_UNREACHABLE', 1_000, {}, 'another');
    expect(conditions.nextChangeAt(2_000)).toBe(31_000);
  });

  it('lets nothing vanish or last longer where the clock is set', () => {
    const { book: conditions } = book();
    conditions.raise('PLATFORM_UNREACHABLE', 100_000);
    conditions.clockStepped(-90_000);
    expect(conditions.nextChangeAt(10_000)).toBe(40_000);
  });
});
