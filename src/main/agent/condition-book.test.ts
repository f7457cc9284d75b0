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

  it('lets nothing vanish or last longer where the clock is set', () => {
    const { book: conditions } = book();
    conditions.raise('PLATFORM_UNREACHABLE', 100_000);
    conditions.clockStepped(-90_000);
    expect(conditions.nextChangeAt(10_000)).toBe(40_000);
  });
});
