import { describe, expect, it } from 'vitest';
import type { Finding } from '../store/findings.ts';
import type { Advisories, Statement } from './advisories.ts';
import { reconcile } from './findings.ts';
import { ecosystemOf, matchPackages, type InstalledPackage, type Match } from './match.ts';
import { OsvRecord } from './osv.ts';

const DEBIAN = { id: 'debian', version: '12' };

function advisories(records: readonly object[]): Advisories {
  const statements = records.flatMap((record): Statement[] => {
    const parsed = OsvRecord.parse({ modified: '2026-01-01T00:00:00Z', ...record });
    return parsed.affected.map((affected) => ({ record: parsed, affected }));
  });
  const about = (ecosystem: string, name: string) =>
    statements.filter(({ affected }) => {
      const { package: pkg } = affected;
      return pkg.ecosystem === ecosystem && pkg.name === name;
    });
  return { count: records.length, hash: 'h', skipped: [], about };
}

const about = (name: string, fixed: string, id = 'TEST-1') => ({
  id,
  aliases: ['CVE-2026-0002', 'CVE-2026-0001', 'GHSA-x'],
  summary: 'A weakness',
  database_specific: { severity: 'high' },
  affected: [
    {
      package: { ecosystem: 'Debian:12', name },
      ranges: [{ type: 'ECOSYSTEM', events: [{ introduced: '0' }, { fixed }] }],
    },
  ],
});
const pkg = (source: string, sourceVersion: string, status = 'installed'): InstalledPackage => ({
  source,
  sourceVersion,
  status,
});

describe('the ecosystem of a release', () => {
  it.each([
    ['debian', '12', 'Debian:12'],
    ['debian', '', undefined],
    ['debian', '12.1', undefined],
    ['debian', 'x12', undefined],
    ['debian', '12x', undefined],
    ['ubuntu', '22', undefined],
  ])('of %s %s is %s', (id, version, expected) => {
    expect(ecosystemOf({ id, version })).toBe(expected);
  });

  it('that is none matches nothing', () => {
    const all: Advisories = { ...advisories([about('tool', '2')]) };
    const everything = { ...all, about: () => all.about('Debian:12', 'tool') };
    expect(matchPackages({ id: 'ubuntu', version: '22' }, [pkg('tool', '1')], everything)).toEqual([]);
  });
});

describe('matching', () => {
  it('names advisory, package, versions, CVEs in order, summary and rating', () => {
    expect(matchPackages(DEBIAN, [pkg('tool', '1.0-1')], advisories([about('tool', '2.0-1')]))).toEqual([
      {
        advisory: 'TEST-1',
        package: 'tool',
        certainty: 'confirmed',
        installedVersion: '1.0-1',
        fixedVersion: '2.0-1',
        cves: ['CVE-2026-0001', 'CVE-2026-0002'],
        summary: 'A weakness',
        severity: 'high',
        score: null,
      },
    ]);
  });

  it('says that there is no fixed version while there is none', () => {
    const unfixed = {
      ...about('tool', '2'),
      affected: [
        {
          package: { ecosystem: 'Debian:12', name: 'tool' },
          ranges: [{ type: 'ECOSYSTEM', events: [{ introduced: '0' }] }],
        },
      ],
    };
    expect(matchPackages(DEBIAN, [pkg('tool', '9')], advisories([unfixed]))[0]?.fixedVersion).toBeNull();
  });

  it('counts the lowest affected version of several packages of one source, once', () => {
    const installed = [
      pkg('tool', '3.0'),
      pkg('tool', '1.5', 'half-configured'),
      pkg('tool', '1.2', 'unpacked'),
      pkg('tool', '1.9', 'unpacked'),
    ];
    const found = matchPackages(DEBIAN, installed, advisories([about('tool', '2.0')]));
    expect(found).toMatchObject([{ installedVersion: '1.2', certainty: 'potential' }]);
  });

  it.each(['installed', 'triggers-awaited', 'triggers-pending'])(
    'R032 confirms when one of the affected packages is %s',
    (status) => {
      const installed = [pkg('tool', '1.0', 'half-installed'), pkg('tool', '1.1', status)];
      const found = matchPackages(DEBIAN, installed, advisories([about('tool', '2.0')]));
      expect(found[0]?.certainty).toBe('confirmed');
    },
  );

  it('R032 does not confirm by a package that is complete but not affected', () => {
    const installed = [pkg('tool', '1.0', 'half-installed'), pkg('tool', '2.1')];
    const found = matchPackages(DEBIAN, installed, advisories([about('tool', '2.0')]));
    expect(found[0]?.certainty).toBe('potential');
  });

  it.each(['config-files', 'not-installed'])('leaves out what is %s', (status) => {
    expect(matchPackages(DEBIAN, [pkg('tool', '1.0', status)], advisories([about('tool', '2.0')]))).toEqual(
      [],
    );
  });

  it('keeps packages and advisories apart', () => {
    const known = advisories([about('one', '2', 'A'), about('two', '2', 'B'), about('two', '1', 'C')]);
    const found = matchPackages(DEBIAN, [pkg('one', '2'), pkg('two', '1.5'), pkg('three', '1')], known);
    expect(found.map((match) => [match.package, match.advisory])).toEqual([['two', 'B']]);
  });
});

describe('reconciling', () => {
  const match = (advisory: string, name = 'tool'): Match => ({
    advisory,
    package: name,
    certainty: 'confirmed',
    installedVersion: '1',
    fixedVersion: '2',
    cves: [],
    summary: '',
    severity: 'high',
    score: null,
  });
  const finding = (advisory: string, status: Finding['status'], name = 'tool'): Finding => ({
    ...match(advisory, name),
    agent: 'a',
    status,
    firstSeen: 1,
    lastSeen: 2,
    fixedAt: status === 'fixed' ? 3 : null,
  });

  it('opens what is new', () => {
    expect(reconcile('a', [], [match('A')], 10)).toEqual([
      { ...match('A'), agent: 'a', status: 'open', firstSeen: 10, lastSeen: 10, fixedAt: null },
    ]);
  });

  it.each([
    ['open', 'open'],
    ['reopened', 'reopened'],
    ['fixed', 'reopened'],
  ] as const)('goes on from %s as %s, first seen when it was', (before, after) => {
    expect(reconcile('a', [finding('A', before)], [match('A')], 10)).toMatchObject([
      { status: after, firstSeen: 1, lastSeen: 10, fixedAt: null },
    ]);
  });

  it('closes what matches no more, and writes nothing about what is closed', () => {
    const before = [finding('A', 'open'), finding('B', 'fixed'), finding('C', 'reopened')];
    expect(reconcile('a', before, [], 10)).toEqual([
      { ...finding('A', 'open'), status: 'fixed', fixedAt: 10 },
      { ...finding('C', 'reopened'), status: 'fixed', fixedAt: 10 },
    ]);
  });

  it('tells one advisory about two packages apart', () => {
    const written = reconcile('a', [finding('A', 'open', 'one')], [match('A', 'two')], 10);
    expect(written.map((one) => [one.package, one.status])).toEqual([
      ['two', 'open'],
      ['one', 'fixed'],
    ]);
  });
});
