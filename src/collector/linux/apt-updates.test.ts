import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { because, noProgram, unless } from '../../../test/support/reason.ts';
import { namesIn } from './tolerant.ts';
import { runCommand } from '../run.ts';
import type { Row } from '../../shared/rows.ts';
import type { ReadContext } from '../table.ts';
import { contextOn, keyedRows, layOut, place, rowsOf } from '../testing/host.ts';

const noApt = noProgram('apt-get', 'apt');
const lists = namesIn({ root: '/', os: 'linux' }, '/var/lib/apt/lists');
const noLists =
  noApt ??
  unless(
    lists.some((name) => name.includes('_Packages')),
    'package lists',
    'apt-get update && npm test',
  );

/** Runs commands for real; apt gets these options before its own words. */
const realRun =
  (options: readonly string[] = []): ReadContext['run'] =>
  (file, args, limits) =>
    runCommand({ os: 'linux', signal: new AbortController().signal }, file, [...options, ...args], limits);

const installed = (name: string, want = 'install', arch = 'all'): string =>
  `Package: ${name}\nStatus: ${want} ok installed\nArchitecture: ${arch}\nMaintainer: x\nVersion: 1.0\nDescription: x\n\n`;

const offered = (name: string, version: string, more = ''): string =>
  `Package: ${name}\nArchitecture: all\nMaintainer: x\nVersion: ${version}\nFilename: ./${name}.deb\nSize: 1\n` +
  `SHA256: ${'0'.repeat(64)}\nDescription: x\n${more}\n`;

/** A host with an archive in a folder of its own, whose lists apt itself has taken from there. */
function hostWithArchive(packages: string, preferences = ''): ReadContext {
  const status = installed('demo') + installed('kept', 'hold') + installed('pinned') + installed('slow');
  const root = layOut({
    '/usr/bin/apt-cache': '',
    '/var/lib/dpkg/status': status,
    '/archive/Packages': packages,
    '/etc/apt/preferences': preferences,
    '/var/lib/apt/lists/partial/.keep': '',
    '/var/cache/apt/archives/partial/.keep': '',
    '/etc/apt/preferences.d/.keep': '',
    '/etc/apt/apt.conf.d/.keep': '',
  });
  writeFileSync(join(root, 'etc/apt/sources.list'), `deb [trusted=yes] file:${root}/archive ./\n`);
  const settings = {
    Dir: root,
    'Dir::State::status': join(root, 'var/lib/dpkg/status'),
    'Dir::Cache::pkgcache': '',
    'Dir::Cache::srcpkgcache': '',
    'APT::Sandbox::User': '',
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  execFileSync('apt-get', [...options, '-qq', 'update'], { stdio: 'ignore' });
  return contextOn(root, { run: realRun(options) });
}

const versions = (rows: readonly Row[]): unknown[] =>
  rows.map((row) => [row['package'], row['installedVersion'], row['candidateVersion']]);

describe('available updates of this host', () => {
  it.skipIf(noLists !== undefined)(
    `are those that apt itself lists as upgradable${because(noLists)}`,
    async () => {
      const listed = execFileSync('apt', ['list', '--upgradable'], {
        encoding: 'utf8',
        env: { ...process.env, LC_ALL: 'C' },
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      const expected = [
        ...listed.matchAll(/^([^/\s]+)\/\S+ (\S+) (\S+) \[upgradable from: ([^\]]+)\]$/gm),
      ].map(([, name, version, arch, before]) => [name, arch, before, version].join(' '));
      const rows = await rowsOf('available_updates', contextOn('/', { run: realRun() }));
      const found = rows.map((row) =>
        [row['package'], row['arch'], row['installedVersion'], row['candidateVersion']].join(' '),
      );
      expect(found.sort()).toEqual(expected.sort());
    },
  );
});

describe.skipIf(noApt !== undefined)(`available updates of apt${because(noApt)}`, () => {
  it('mind pins, and name what is held and what is still being rolled out', async () => {
    const packages =
      offered('demo', '1.1') +
      offered('demo', '1.2') +
      offered('kept', '1.1') +
      offered('pinned', '1.1') +
      offered('slow', '1.1', 'Phased-Update-Percentage: 10\n') +
      offered('other', '9');
    const pin = 'Package: pinned\nPin: version 1.0\nPin-Priority: 1001\n';
    const context = hostWithArchive(packages, pin);
    expect(await keyedRows('available_updates', context)).toEqual([
      {
        key: 'apt|demo|all',
        row: {
          package: 'demo',
          arch: 'all',
          installedVersion: '1.0',
          candidateVersion: '1.2',
          repository: `file:${context.root}/archive ./`,
          security: null,
          held: false,
          phased: false,
          manager: 'apt',
        },
      },
      { key: 'apt|kept|all', row: expect.objectContaining({ held: true, phased: false }) as Row },
      { key: 'apt|slow|all', row: expect.objectContaining({ held: false, phased: true }) as Row },
    ]);
  });

  it('are none that a pin would take back to an older version', async () => {
    const pin = 'Package: demo\nPin: version 0.9\nPin-Priority: 1001\n';
    const context = hostWithArchive(offered('demo', '0.9') + offered('kept', '1.1'), pin);
    expect(versions(await rowsOf('available_updates', context))).toEqual([['kept', '1.0', '1.1']]);
  });

  it('follow the order of dpkg, in which a tilde is less than nothing', async () => {
    const context = hostWithArchive(offered('demo', '1.0~rc1') + offered('kept', '1:0.1'));
    expect(versions(await rowsOf('available_updates', context))).toEqual([['kept', '1.0', '1:0.1']]);
  });
});

describe('apt that has nothing to say', () => {
  it('is no error where it is not installed, or where dpkg has no package', async () => {
    expect(await rowsOf('available_updates', contextOn(layOut()))).toEqual([]);
    expect(await rowsOf('available_updates', contextOn(layOut({ '/usr/bin/apt-cache': '' })))).toEqual([]);
  });

  it('R012 is one where it has no lists, or fails', async () => {
    const root = layOut({ '/usr/bin/apt-cache': '', '/var/lib/dpkg/status': installed('demo') });
    await expect(rowsOf('available_updates', contextOn(root))).rejects.toThrow('apt has no package lists');
    mkdirSync(join(root, 'var/lib/apt/lists'), { recursive: true });
    await expect(rowsOf('available_updates', contextOn(root))).rejects.toThrow('apt has no package lists');
    place(root, '/var/lib/apt/lists/x_Packages.lz4', '');
    const failing = contextOn(root, {
      run: () => Promise.resolve({ exitCode: 100, stdout: Buffer.alloc(0), stderr: '' }),
    });
    await expect(rowsOf('available_updates', failing)).rejects.toThrow('apt-cache ended with exit code 100');
  });
});

describe('the command line of apt', () => {
  it('names installed packages alone, with the architecture of foreign ones, and nothing that is an option', async () => {
    const calls: string[][] = [];
    const status =
      installed('apt', 'install', 'amd64') +
      installed('libc6', 'install', 'amd64') +
      installed('libc6', 'install', 'i386') +
      installed('-o=Dir=/tmp') +
      installed('a b') +
      'Package: gone\nStatus: deinstall ok config-files\nArchitecture: all\nVersion: 1\n\n';
    const root = layOut({
      '/usr/bin/apt-cache': '',
      '/var/lib/dpkg/status': status,
      '/var/lib/apt/lists/x_Packages': '',
    });
    const context = contextOn(root, {
      run: (file, args) => {
        calls.push([file, ...args]);
        return Promise.resolve({
          exitCode: 0,
          stdout: Buffer.from(
            'libc6:i386:\n  Installed: 1.0\n  Candidate: 2\n  Version table:\n     2 500\n' +
              '        500 http://me:secret@deb.example/debian sid/main i386 Packages\n *** 1.0 100\n        100 /var/lib/dpkg/status\n',
          ),
          stderr: '',
        });
      },
    });
    expect(await rowsOf('available_updates', context)).toMatchObject([
      { package: 'libc6', arch: 'i386', repository: 'http://deb.example/debian sid/main' },
    ]);
    expect(calls).toEqual([['apt-cache', 'policy', 'apt', 'libc6', 'libc6:i386']]);
  });

  it('is cut into several where thousands of packages are installed', async () => {
    const calls: number[] = [];
    const names = Array.from({ length: 4_500 }, (_, index) => `p${String(index)}`);
    const root = layOut({
      '/usr/bin/apt-cache': '',
      '/var/lib/dpkg/status': names.map((name) => installed(name)).join(''),
      '/var/lib/apt/lists/x_Packages': '',
    });
    const context = contextOn(root, {
      run: (_file, args) => {
        calls.push(args.length - 1);
        return Promise.resolve({ exitCode: 0, stdout: Buffer.alloc(0), stderr: '' });
      },
    });
    expect(await rowsOf('available_updates', context)).toEqual([]);
    expect(calls).toEqual([2_000, 2_000, 500]);
  });
});
