import { createHash } from 'node:crypto';
import { utimesSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { because, noLinux } from '../../../../test/support/reason.ts';
import { layOut, place } from '../../testing/host.ts';
import { PackageFiles, type RunProgram } from './package-files.ts';
import type { Row } from './row.ts';

const WALKED = 1_800_000_000_000;
const hash = (name: string, text: string): string => createHash(name).update(text).digest('hex');

/** A regular file with this content, as the baseline has it. */
const rowOf = (text: string, type: Row['type'] = 'file'): Row => ({
  type,
  device: 1n,
  inode: 1n,
  born: 0n,
  size: text.length,
  mode: 0o644,
  uid: 0,
  gid: 0,
  modified: 0n,
  changed: 0n,
  sha256: createHash('sha256').update(text).digest(),
  unhashed: null,
  target: null,
  acl: null,
  xattrs: null,
  racy: false,
});

describe.skipIf(noLinux !== undefined)(`files of packages${because(noLinux)}`, () => {
  let root: string;
  let now: number;
  beforeEach(() => {
    root = layOut({ '/usr/bin/tool': 'new' });
    now = 0;
  });
  function packageFiles(run?: RunProgram): PackageFiles {
    return new PackageFiles({
      place: { root, os: 'linux' },
      now: () => now,
      ...(run === undefined ? {} : { run }),
    });
  }
  /** A package of dpkg whose files were listed at that time, ms since the epoch. */
  function dpkg(name: string, at: number, sums: Record<string, string>): void {
    place(root, `/var/lib/dpkg/info/${name}.list`, '');
    const lines = Object.entries(sums).map(([path, text]) => `${hash('md5', text)}  ${path}\n`);
    place(root, `/var/lib/dpkg/info/${name}.md5sums`, lines.join(''));
    for (const path of [`/${name}.list`, '']) {
      utimesSync(join(root, `/var/lib/dpkg/info${path}`), at / 1000, at / 1000);
    }
  }

  it('R200 are known by the database of dpkg, with the content that it installed', () => {
    dpkg('tools', WALKED + 60_000, { 'usr/bin/tool': 'new' });
    expect(packageFiles().installerOf('/usr/bin/tool', rowOf('new'), WALKED)).toBe('dpkg');
    expect(packageFiles().installerOf('/usr/bin/other', rowOf('new'), WALKED)).toBeUndefined();
  });

  it('R200 have no label where the content is another, whatever the database says of the path', () => {
    dpkg('tools', WALKED + 60_000, { 'usr/bin/tool': 'new' });
    place(root, '/usr/bin/tool', 'evil');
    expect(packageFiles().installerOf('/usr/bin/tool', rowOf('evil'), WALKED)).toBeUndefined();
    // Changed again between the look and this one.
    expect(packageFiles().installerOf('/usr/bin/tool', rowOf('new'), WALKED)).toBeUndefined();
  });

  it('have no label where their package was there before', () => {
    dpkg('tools', WALKED - 60_000, { 'usr/bin/tool': 'new' });
    expect(packageFiles().installerOf('/usr/bin/tool', rowOf('new'), WALKED)).toBeUndefined();
  });

  it('are found where a package still names the place before the merge of /bin and /usr/bin', () => {
    dpkg('tools', WALKED + 60_000, { 'bin/tool': 'new' });
    expect(packageFiles().installerOf('/usr/bin/tool', rowOf('new'), WALKED)).toBe('dpkg');
  });

  it('are looked for again after something else was installed, and after they were forgotten', () => {
    dpkg('tools', WALKED + 60_000, { 'usr/bin/none': 'x' });
    const files = packageFiles();
    expect(files.installerOf('/usr/bin/tool', rowOf('new'), WALKED)).toBeUndefined();
    dpkg('more', WALKED + 90_000, { 'usr/bin/tool': 'new' });
    expect(files.installerOf('/usr/bin/tool', rowOf('new'), WALKED)).toBeUndefined();
    now += 5_000;
    expect(files.installerOf('/usr/bin/tool', rowOf('new'), WALKED)).toBe('dpkg');
    files.forget();
    expect(files.installerOf('/usr/bin/tool', rowOf('new'), WALKED)).toBe('dpkg');
    now += 5_000;
    expect(files.installerOf('/usr/bin/tool', rowOf('new'), WALKED + 120_000)).toBeUndefined();
  });

  it('R200 are known by the database of rpm: of what was installed since, and nothing else is asked', () => {
    place(root, '/usr/lib/sysimage/rpm/rpmdb.sqlite', 'x');
    const at = (WALKED + 60_000) / 1000;
    utimesSync(join(root, 'usr/lib/sysimage/rpm/rpmdb.sqlite'), at, at);
    const asked: (readonly string[])[] = [];
    const files = packageFiles((file, args) => {
      asked.push([file, ...args]);
      if (args[0] === '-qa') return `1700000000 old-1-1.x86_64\n${at} tools-2-1.x86_64\n${at} --evil\n`;
      return `/usr/bin/tool\t${hash('sha256', 'new')}\n/usr/bin/with\ttab\t${hash('sha256', 'x')}\n/usr/share/dir\t\n`;
    });
    expect(files.installerOf('/usr/bin/tool', rowOf('new'), WALKED)).toBe('rpm');
    expect(files.installerOf('/usr/bin/tool', rowOf('evil'), WALKED)).toBeUndefined();
    expect(asked.map((args) => args.slice(4))).toEqual([[], ['--', 'tools-2-1.x86_64']]);
    expect(asked.every(([file]) => file === '/usr/bin/rpm')).toBe(true);
  });

  it('have no label where there is no database, before the first walk, and where they are no files', () => {
    expect(packageFiles(() => undefined).installerOf('/usr/bin/tool', rowOf('new'), WALKED)).toBeUndefined();
    dpkg('tools', WALKED + 60_000, { 'usr/bin/tool': 'new' });
    expect(packageFiles().installerOf('/usr/bin/tool', rowOf('new'), Infinity)).toBeUndefined();
    expect(packageFiles().installerOf('/usr/bin/tool', rowOf('new', 'symlink'), WALKED)).toBeUndefined();
  });
});
