import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FimRule } from '../../shared/file-integrity.ts';
import type { Os } from '../table.ts';
import { RuleSet } from './rule-set.ts';
import { ruleWith as rule } from './testing/fim-rules.ts';

const set = (...rules: (Partial<FimRule> & { path: string })[]): RuleSet =>
  new RuleSet(rules.map(rule), ['/var/lib/wayfarer'], 'linux');
const ids = (rules: readonly FimRule[]): string[] => rules.map(({ id }) => id);
const reported = (rules: RuleSet, path: string, directory = false): boolean =>
  rules.rulesFor(path, directory).length > 0;
const namesOf = (rules: RuleSet, path: string): string[] | string => {
  const interest = rules.interest(path);
  return interest.entries === 'named' ? [...interest.names].sort() : interest.entries;
};

describe('rules of file integrity', () => {
  it('R200 R206 report what is at or below their paths, and nothing beside', () => {
    const rules = set({ path: '/etc' });
    expect(reported(rules, '/etc', true)).toBe(true);
    expect(reported(rules, '/etc/passwd')).toBe(true);
    expect(reported(rules, '/etc/ssh/sshd_config')).toBe(true);
    expect(reported(rules, '/etcetera')).toBe(false);
    expect(reported(rules, '/usr/etc/passwd')).toBe(false);
  });

  it('go as deep as they say: 0 is the entries of the directory alone', () => {
    const shallow = set({ path: '/etc', depth: 0 });
    expect(reported(shallow, '/etc/passwd')).toBe(true);
    expect(reported(shallow, '/etc/ssh', true)).toBe(true);
    expect(reported(shallow, '/etc/ssh/sshd_config')).toBe(false);
    expect(namesOf(shallow, '/etc')).toBe('all');
    expect(namesOf(shallow, '/etc/ssh')).toBe('none');
    const flat = set({ path: '/etc', recursive: false, depth: 3 });
    expect(reported(flat, '/etc/ssh/sshd_config')).toBe(false);
    const deeper = set({ path: '/etc', depth: 1 });
    expect(reported(deeper, '/etc/ssh/sshd_config')).toBe(true);
    expect(reported(deeper, '/etc/a/b/c')).toBe(false);
  });

  it('leave out what is excluded, with everything below it, by name or by path', () => {
    const rules = set({ path: '/etc', exclude: ['*.swp', '/etc/ssl/*', 'cache'] });
    expect(reported(rules, '/etc/a.swp')).toBe(false);
    expect(reported(rules, '/etc/x.swp/deep/file')).toBe(false);
    expect(reported(rules, '/etc/ssl', true)).toBe(true);
    expect(reported(rules, '/etc/ssl/certs/ca.pem')).toBe(false);
    expect(reported(rules, '/etc/cache/a')).toBe(false);
    expect(namesOf(rules, '/etc/cache')).toBe('none');
    expect(namesOf(rules, '/etc/ssl/certs')).toBe('none');
    expect(namesOf(rules, '/etc/ssl')).toBe('all');
  });

  it('do not exclude by what stands above their path', () => {
    expect(reported(set({ path: '/srv/cache/app', exclude: ['cache'] }), '/srv/cache/app/f')).toBe(true);
    expect(reported(set({ path: '/srv/cache', exclude: ['cache'] }), '/srv/cache/f')).toBe(false);
  });

  it('include by name or path, directories in any case', () => {
    const rules = set({ path: '/etc', include: ['*.conf', '/etc/apt/*'] });
    expect(reported(rules, '/etc/nginx/nginx.conf')).toBe(true);
    expect(reported(rules, '/etc/nginx/mime.types')).toBe(false);
    expect(reported(rules, '/etc/apt/sources.list')).toBe(true);
    expect(reported(rules, '/etc/nginx', true)).toBe(true);
  });

  it('on a file report that file, and want to hear of its directory only by name', () => {
    const rules = set({ kind: 'file', path: '/etc/passwd' });
    expect(reported(rules, '/etc/passwd')).toBe(true);
    expect(reported(rules, '/etc/passwd/x')).toBe(false);
    expect(namesOf(rules, '/etc')).toEqual(['passwd']);
    expect(namesOf(rules, '/')).toEqual(['etc']);
    expect(namesOf(rules, '/etc/passwd')).toBe('none');
    expect(namesOf(rules, '/usr')).toBe('none');
  });

  it('that overlap are all told of, in their order', () => {
    const rules = set({ id: 'a', path: '/etc' }, { id: 'b', path: '/etc/ssh' }, { id: 'c', path: '/usr' });
    expect(ids(rules.rulesFor('/etc/ssh/k', false))).toEqual(['a', 'b']);
    expect(rules.roots()).toEqual(['/etc', '/etc/ssh', '/usr']);
    expect(namesOf(rules, '/')).toEqual(['etc', 'usr']);
  });

  it('never concern the directories of the agent, but for its canary', () => {
    const canary = '/var/lib/wayfarer/sensor/canary';
    const rules = new RuleSet([rule({ path: '/var' })], ['/var/lib/wayfarer/'], 'linux', canary);
    expect(reported(rules, '/var/lib/wayfarer/agent.db')).toBe(false);
    expect(reported(rules, canary)).toBe(false);
    expect(namesOf(rules, '/var/lib/wayfarer')).toEqual(['sensor']);
    expect(namesOf(rules, '/var/lib/wayfarer/sensor')).toEqual(['canary']);
    expect(namesOf(rules, '/var/lib/wayfarer/logs')).toBe('none');
    expect(namesOf(rules, '/var/lib')).toBe('all');
    expect(rules.roots()).toEqual(['/var', canary]);
  });

  it('on the root of the host reach everything', () => {
    const rules = set({ path: '/' });
    expect(reported(rules, '/etc/passwd')).toBe(true);
    expect(reported(rules, '/', true)).toBe(true);
    expect(namesOf(rules, '/')).toBe('all');
    expect(rules.entersDirectory('/usr/lib')).toBe(true);
    expect(reported(set({ path: '/', exclude: ['/etc'] }), '/etc/passwd')).toBe(false);
  });

  it('have a walk enter what leads to their paths, and nothing beside', () => {
    const rules = set({ path: '/srv/app' });
    const entered = ['/', '/srv', '/srv/app', '/srv/app/lib', '/srv/data'].filter((path) =>
      rules.entersDirectory(path),
    );
    expect(entered).toEqual(['/', '/srv', '/srv/app', '/srv/app/lib']);
    expect(rules.isCanary('/srv/app')).toBe(false);
  });

  it.each<[Os, readonly string[], readonly string[]]>([
    ['linux', ['/etc/', '/', '/srv/C:/'], ['/etc', '/', '/srv/C:']],
    ['win32', ['C:\\', 'D:\\Data\\', 'd:\\data', 'C:\\Temp'], ['C:\\', 'D:\\Data', 'C:\\Temp']],
  ])(
    'name each path once, as the first of them writes it, without a separator at its end (%s)',
    (os, paths, roots) => {
      expect(
        new RuleSet(
          paths.map((path) => rule({ path })),
          [],
          os,
        ).roots(),
      ).toEqual(roots);
    },
  );

  it('tell cases apart on Linux, in paths and in patterns', () => {
    const rules = set({ path: '/srv', exclude: ['*.LOG'] });
    expect(reported(rules, '/SRV/file')).toBe(false);
    expect(reported(rules, '/srv/a.log')).toBe(true);
    expect(reported(rules, '/srv/a.LOG')).toBe(false);
  });

  it('decide once for all entries of a directory where nothing could tell them apart', () => {
    const rules = set({ id: 'etc', path: '/etc' }, { path: '/usr', exclude: ['x'] });
    const entriesOf = rules.entriesOf('/etc/ssh');
    expect(ids(entriesOf('a', false))).toEqual(['etc']);
    expect(entriesOf('b', true)).toBe(entriesOf('a', false));
  });

  it('take no notice of case on Windows', () => {
    const rules = new RuleSet([rule({ path: 'C:\\Windows\\System32', exclude: ['*.LOG'] })], [], 'win32');
    expect(rules.rulesFor('c:\\windows\\SYSTEM32\\Drivers\\etc\\hosts', false)).toHaveLength(1);
    expect(rules.rulesFor('C:\\Windows\\System32\\a.log', false)).toHaveLength(0);
    expect(rules.rulesFor('C:\\Windows', true)).toHaveLength(0);
  });

  it('on Windows give a path the case in which they name its root, and know the canary in any', () => {
    const rules = new RuleSet(
      ['C:\\WINDOWS\\System32\\Drivers', 'c:\\windows\\system32', 'C:\\windows\\SYSTEM32\\Drivers\\etc'].map(
        (path) => rule({ path }),
      ),
      [],
      'win32',
      'C:\\ProgramData\\Wayfarer\\canary',
    );
    expect(rules.spelled('C:\\Windows\\System32\\Drivers\\etc')).toBe('c:\\windows\\system32\\Drivers\\etc');
    expect(rules.spelled('C:\\Windows\\x')).toBe('C:\\Windows\\x');
    expect(rules.isCanary('c:\\programdata\\wayfarer\\CANARY')).toBe(true);
    expect(rules.isCanary('C:\\canary')).toBe(false);
    expect(rules.spelled('c:\\programdata\\wayfarer\\CANARY')).toBe('C:\\ProgramData\\Wayfarer\\canary');
  });

  const name = fc.constantFrom('a', 'b', 'c', 'x.conf');
  const anyPath = fc.array(name, { minLength: 1, maxLength: 4 }).map((parts) => `/${parts.join('/')}`);
  const patterns = fc.array(fc.constantFrom('a', '*.conf', '/a/*', 'b?', '/*/b'), { maxLength: 2 });
  const anyRules = fc.array(
    fc.record({
      path: fc.oneof(anyPath, fc.constant('/')),
      kind: fc.constantFrom('directory' as const, 'file' as const),
      depth: fc.option(fc.nat(3), { nil: undefined }),
      include: patterns,
      exclude: patterns,
    }),
    { minLength: 1, maxLength: 3 },
  );
  const setOf = (given: readonly (Partial<FimRule> & { path: string })[], own: string[] = []): RuleSet =>
    new RuleSet(
      given.map((each, index) => rule({ ...each, id: String(index) })),
      own,
      'linux',
    );

  it('never report what their source would not have heard of, whatever rules and paths', () => {
    fc.assert(
      fc.property(anyRules, anyPath, fc.boolean(), (given, at, directory) => {
        const filter = setOf(given);
        if (!reported(filter, at, directory)) return;
        const interest = filter.interest(at.slice(0, at.lastIndexOf('/')) || '/');
        const heard =
          interest.entries === 'all' ||
          (interest.entries === 'named' && interest.names.has(at.slice(at.lastIndexOf('/') + 1)));
        expect(heard).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  it('are the same for an entry of a directory as for its path', () => {
    fc.assert(
      fc.property(
        anyRules,
        fc.array(anyPath, { maxLength: 2 }),
        anyPath,
        fc.boolean(),
        (given, own, at, is) => {
          const filter = setOf(given, own);
          const entriesOf = filter.entriesOf(at.slice(0, at.lastIndexOf('/')) || '/');
          expect(ids(entriesOf(at.slice(at.lastIndexOf('/') + 1), is))).toEqual(ids(filter.rulesFor(at, is)));
        },
      ),
      { numRuns: 5_000 },
    );
    const windows = new RuleSet([rule({ path: 'C:\\Temp', exclude: ['*.LOG'] })], [], 'win32').entriesOf(
      'c:\\TEMP',
    );
    expect([windows('A.log', false), windows('a.txt', false)].map(({ length }) => length)).toEqual([0, 1]);
  });
});
