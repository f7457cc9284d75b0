import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Task } from '../../shared/manifest.ts';
import { ruleWith } from '../fim/testing/fim-rules.ts';
import { parseFimRules, realRoot, stateOfRule } from './fim-rules.ts';

const task = (params: Task['params'], more: Partial<Task> = {}): Task => ({
  id: 'r1',
  table: 'file_integrity',
  params,
  ...more,
});
const asGiven = ({ path }: { path: string }): string => path;
const reasonFor = (params: Task['params'], os: 'linux' | 'win32' = 'linux'): string | undefined =>
  parseFimRules([task(params)], os, asGiven).refused[0]?.reason;

describe('rules out of a manifest', () => {
  it('R206 are its tasks, with everything that they do not say at its default', () => {
    const { rules, refused } = parseFimRules([task({ kind: 'directory', path: '/etc' })], 'linux', asGiven);
    expect(refused).toEqual([]);
    expect(rules).toEqual([
      {
        id: 'r1',
        kind: 'directory',
        path: '/etc',
        recursive: true,
        include: [],
        exclude: [],
        severity: 'medium',
        events: ['create', 'content', 'attributes', 'security', 'rename', 'delete'],
        excludeUsers: [],
        excludeProcesses: [],
        diff: false,
        diffMaxKb: 16,
        secrets: [],
      },
    ]);
  });

  it('that are wrong are left out and named, and the others count', () => {
    const { rules, refused } = parseFimRules(
      [task({ kind: 'directory', path: 'etc' }, { id: 'bad' }), task({ kind: 'file', path: '/etc/passwd' })],
      'linux',
      asGiven,
    );
    expect(rules.map(({ id }) => id)).toEqual(['r1']);
    expect(refused).toEqual([
      { id: 'bad', path: 'etc', state: 'refused', reason: 'path: not an absolute path' },
    ]);
  });

  it.each([
    [{ kind: 'directory', path: '/etc/../root' }, 'without . and ..'],
    [{ kind: 'directory', path: '/etc//x' }, 'without . and ..'],
    [{ kind: 'directory', path: '/etc\0/x' }, 'not an absolute path'],
    [{ kind: 'registry', path: 'HKLM\\Software' }, 'no registry'],
    [{ kind: 'directory', path: '/etc', exclude: ['etc'] }, 'excludes itself'],
    [{ kind: 'directory', path: '/etc', exclude: ['/*'] }, 'excludes itself'],
    [{ kind: 'directory', path: '/etc', exclude: ['*'.repeat(1_025)] }, 'exclude.0'],
    [{ kind: 'directory', path: '/etc', depth: 1_000 }, 'depth'],
    [{ kind: 'directory', path: '/etc', events: [] }, 'events'],
    [{ kind: 'directory', path: '/etc', recurse: true }, 'Unrecognized key'],
    [{ kind: 'folder', path: '/etc' }, 'kind'],
    [{}, 'kind'],
  ])('like %j are refused: %s', (params, reason) => {
    expect(reasonFor(params as Task['params'])).toContain(reason);
  });

  it('of another table are refused', () => {
    const { refused } = parseFimRules([task({}, { table: 'deb' })], 'linux', asGiven);
    expect(refused[0]?.reason).toBe('deb is no table of file integrity');
  });

  it('of other systems are passed over', () => {
    const windows = task({ kind: 'directory', path: 'C:\\Windows', systems: ['win32'] }, { id: 'w' });
    const both = task({ kind: 'directory', path: '/etc', systems: ['linux', 'darwin'] });
    const { rules, refused } = parseFimRules([windows, both], 'linux', asGiven);
    expect(rules.map(({ id }) => id)).toEqual(['r1']);
    expect(refused).toEqual([]);
  });

  it('on macOS have patterns that name places as sources do: below /private', () => {
    const params = { kind: 'directory', path: '/private/etc', exclude: ['/etc/cups/*', '*.swp'] };
    expect(parseFimRules([task(params)], 'darwin', asGiven).rules[0]?.exclude).toEqual([
      '/private/etc/cups/*',
      '*.swp',
    ]);
    expect(parseFimRules([task(params)], 'linux', asGiven).rules[0]?.exclude).toEqual(params.exclude);
  });

  it('on Windows name a drive', () => {
    expect(reasonFor({ kind: 'directory', path: '\\\\server\\share' }, 'win32')).toContain('on a drive');
    expect(reasonFor({ kind: 'directory', path: 'C:\\Windows' }, 'win32')).toBeUndefined();
    expect(reasonFor({ kind: 'registry', path: 'HKLM\\Software' }, 'win32')).toBeUndefined();
  });
});

describe('the place of a rule', () => {
  const dir = mkdtempSync(join(tmpdir(), 'wayfarer-rules-'));
  mkdirSync(join(dir, 'real'));
  writeFileSync(join(dir, 'real', 'file'), '');
  symlinkSync('real', join(dir, 'link'));
  symlinkSync('file', join(dir, 'real', 'alias'));

  it('has no links in it, for a source reports none', () => {
    expect(realRoot(ruleWith({ path: join(dir, 'link') }))).toBe(join(dir, 'real'));
    expect(realRoot(ruleWith({ kind: 'file', path: join(dir, 'link', 'file') }))).toBe(
      join(dir, 'real', 'file'),
    );
    expect(realRoot(ruleWith({ kind: 'registry', path: 'HKLM\\A' }))).toBe('HKLM\\A');
  });

  it('of a rule on a link is the link itself', () => {
    expect(realRoot(ruleWith({ kind: 'symlink', path: join(dir, 'link', 'alias') }))).toBe(
      join(dir, 'real', 'alias'),
    );
  });

  it('may not exist yet, wholly or in part', () => {
    expect(realRoot(ruleWith({ path: join(dir, 'link', 'new', 'deeper') }))).toBe(
      join(dir, 'real', 'new', 'deeper'),
    );
  });

  it('is watched, absent or unreadable', () => {
    const at = (path: string) => stateOfRule(ruleWith({ path }));
    expect(at(dir)).toEqual({ id: 'rule', path: dir, state: 'watching' });
    expect(at(join(dir, 'none'))).toMatchObject({ state: 'absent', reason: 'not there yet' });
    expect(at(join(dir, 'real', 'file', 'below'))).toMatchObject({ state: 'absent' });
    expect(at(join(dir, 'x'.repeat(300)))).toMatchObject({
      state: 'unreadable',
      reason: 'lstat: ENAMETOOLONG',
    });
  });
});
