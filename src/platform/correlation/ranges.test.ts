import { describe, expect, it } from 'vitest';
import { fixedVersionFor, isAffected } from './ranges.ts';
import type { OsvAffected, OsvEvent } from './osv.ts';
import { cvssScore, ratingOf, severityOf } from './severity.ts';
import { OsvRecord } from './osv.ts';
import { compareDpkg } from './versions/dpkg.ts';

const affected = (events: OsvEvent[], versions: string[] = [], type = 'ECOSYSTEM'): OsvAffected => ({
  package: { ecosystem: 'Debian:12', name: 'x' },
  ranges: [{ type, events }],
  versions,
});
const test = (version: string, events: OsvEvent[]) => isAffected(version, affected(events), compareDpkg);

describe('OSV ranges', () => {
  it.each([
    ['0.9', false],
    ['1.0', true],
    ['1.9~rc1', true],
    ['2.0', false],
    ['2.5', false],
    ['3.0', true],
    ['3.1', true],
    ['3.1+b1', false],
  ])('take the events sorted, whatever their order: %s → %s', (version, vulnerable) => {
    const events = [{ last_affected: '3.1' }, { fixed: '2.0' }, { introduced: '3.0' }, { introduced: '1.0' }];
    expect(test(version, events)).toBe(vulnerable);
  });

  it('take "0" as before every version', () => {
    expect(test('0~~', [{ introduced: '0' }, { fixed: '1' }])).toBe(true);
    expect(test('1', [{ introduced: '0' }, { fixed: '1' }])).toBe(false);
    expect(test('999', [{ introduced: '0' }])).toBe(true);
  });

  it('take "0" first, whatever stands below it and in whatever order', () => {
    const events: OsvEvent[] = [{ fixed: '0~1' }, { introduced: '0' }];
    expect(test('5', events)).toBe(false);
    expect(test('5', events.toReversed())).toBe(false);
    expect(test('0~~', [{ introduced: '0' }, { fixed: '0' }])).toBe(true);
  });

  it('pass over events that say nothing of versions', () => {
    expect(test('2', [{ introduced: '0' }, { limit: '1' }])).toBe(true);
  });

  it('affect a version that one of them holds', () => {
    const [first, second] = [
      affected([{ introduced: '5' }]),
      affected([{ introduced: '0' }, { fixed: '2' }]),
    ];
    const both = { ...first, ranges: [...first.ranges, ...second.ranges] };
    expect(isAffected('1', both, compareDpkg)).toBe(true);
    expect(isAffected('3', both, compareDpkg)).toBe(false);
  });

  it('count listed versions exactly and leave ranges of commits aside', () => {
    const listed = affected([{ introduced: '0' }], ['1.0'], 'GIT');
    expect(isAffected('1.0', listed, compareDpkg)).toBe(true);
    expect(isAffected('1.0-0', listed, compareDpkg)).toBe(false);
  });

  it('name the lowest fixed version above the installed one', () => {
    const ranges = affected([{ introduced: '0' }, { fixed: '1.5' }, { introduced: '2' }, { fixed: '2.5' }]);
    expect(fixedVersionFor('1.0', ranges, compareDpkg)).toBe('1.5');
    expect(fixedVersionFor('2.1', ranges, compareDpkg)).toBe('2.5');
    expect(fixedVersionFor('1.5', ranges, compareDpkg)).toBe('2.5');
    expect(fixedVersionFor('3', ranges, compareDpkg)).toBeUndefined();
    const unsorted = affected([{ fixed: '10' }, { fixed: '9' }, { introduced: '0' }]);
    expect(fixedVersionFor('1', unsorted, compareDpkg)).toBe('9');
  });
});

describe('severity', () => {
  it.each([
    ['CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N', 9.3],
    ['CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H', 7.8],
    ['CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H', 7.5],
    ['AV:N/AC:L/Au:N/C:P/I:P/A:P', 7.5],
    ['CVSS:3.1/nonsense', undefined],
    ['', undefined],
  ])('scores %s as %s', (vector, score) => {
    expect(cvssScore(vector)).toBe(score);
  });

  it('words a score as CVSS does', () => {
    expect([0, 0.1, 4, 7, 9].map(severityOf)).toEqual(['none', 'low', 'medium', 'high', 'critical']);
  });

  it('falls back to the word of the database, then to unknown', () => {
    const record = (extra: object) =>
      OsvRecord.parse({ id: 'T', modified: '2026-01-01T00:00:00Z', ...extra });
    const one = affected([{ introduced: '0' }]);
    expect(ratingOf(record({ database_specific: { urgency: 'medium' } }), one)).toEqual({
      severity: 'medium',
      score: null,
    });
    expect(ratingOf(record({}), one)).toEqual({ severity: 'unknown', score: null });
  });
});
