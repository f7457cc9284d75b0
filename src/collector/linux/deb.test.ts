import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { mkdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { contextOn, keyedRows, layOut, rowsOf } from '../testing/host.ts';

const STATUS = [
  'Package: libc6',
  'Status: install ok installed',
  'Section: libs',
  'Maintainer: Someone <a@b.example>',
  'Installed-Size: 12995',
  'Architecture: amd64',
  'Source: glibc (2.36-9+deb12u9)',
  'Version: 2.36-9+deb12u10',
  'Description: C library',
  ' Package: not-a-field',
  '',
  'Package: old',
  'Status: deinstall ok config-files',
  'Architecture: all',
  'Version: 1:0~rc1',
  'Config-Version: 1:0~rc1',
  '',
  'Package: gone',
  'Status: purge ok not-installed',
  'Architecture: all',
  '',
].join('\n');

describe('deb', () => {
  it('lists every package that is there in some way, versions as dpkg writes them', async () => {
    const found = await keyedRows('deb', contextOn(layOut({ '/var/lib/dpkg/status': STATUS })));
    expect(found).toEqual([
      {
        key: 'libc6:amd64',
        row: {
          name: 'libc6',
          version: '2.36-9+deb12u10',
          arch: 'amd64',
          source: 'glibc',
          sourceVersion: '2.36-9+deb12u9',
          status: 'installed',
          want: 'install',
          section: 'libs',
          maintainer: 'Someone <a@b.example>',
          installedSizeKib: 12_995,
        },
      },
      expect.objectContaining({ key: 'old:all' }),
    ]);
    expect(found[1]?.row).toMatchObject({
      version: '1:0~rc1',
      source: 'old',
      sourceVersion: '1:0~rc1',
      status: 'config-files',
      want: 'deinstall',
      installedSizeKib: null,
    });
  });

  it('puts the journal of a running dpkg over the status file', async () => {
    const root = layOut({
      '/var/lib/dpkg/status': STATUS,
      '/var/lib/dpkg/updates/0000':
        'Package: old\nStatus: install ok half-installed\nArchitecture: all\nVersion: 2\n',
      '/var/lib/dpkg/updates/0001':
        'Package: new\nStatus: install ok unpacked\nArchitecture: all\nVersion: 3\n',
      '/var/lib/dpkg/updates/tmp.i': 'Package: half\n',
    });
    const rows = await rowsOf('deb', contextOn(root));
    expect(rows.map(({ name, status, version }) => [name, status, version])).toEqual([
      ['libc6', 'installed', '2.36-9+deb12u10'],
      ['old', 'half-installed', '2'],
      ['new', 'unpacked', '3'],
    ]);
  });

  it('reads images without dpkg, and nothing where there is no database', async () => {
    const root = layOut({
      '/var/lib/dpkg/status.d/base': 'Package: base\nVersion: 1\nArchitecture: amd64\n',
    });
    expect(await rowsOf('deb', contextOn(root))).toMatchObject([{ name: 'base', status: 'installed' }]);
    expect(await rowsOf('deb', contextOn(layOut()))).toEqual([]);
  });

  it('refuses a FIFO in place of the status file', async () => {
    const root = layOut();
    mkdirSync(join(root, 'var/lib/dpkg'), { recursive: true });
    execFileSync('mkfifo', [join(root, 'var/lib/dpkg/status')]);
    await expect(rowsOf('deb', contextOn(root))).rejects.toThrow('/var/lib/dpkg/status: not a regular file');
  });

  it('streams 100,000 packages in little memory', async () => {
    const stanza = (index: number): string =>
      `Package: p${index}\nStatus: install ok installed\nArchitecture: all\nVersion: ${index}\nDescription: ${'x'.repeat(200)}\n\n`;
    const root = layOut({
      '/var/lib/dpkg/status': Array.from({ length: 100_000 }, (_, index) => stanza(index)).join(''),
    });
    const { tableNamed } = await import('../tables/index.ts');
    let count = 0;
    let peak = 0;
    const before = process.memoryUsage().arrayBuffers;
    for await (const row of tableNamed('deb')?.open(contextOn(root), {}) ?? []) {
      count += row.key === '' ? 0 : 1;
      if (count % 10_000 === 0) peak = Math.max(peak, process.memoryUsage().arrayBuffers - before);
    }
    expect(count).toBe(100_000);
    expect(peak).toBeLessThan(24 * 1024 * 1024);
  });

  it('R019 equals dpkg-query -W on this host exactly', async () => {
    const format =
      '${Package}:${Architecture} ${Version} ${db:Status-Status} ${source:Package} ${source:Version}\n';
    const expected = execFileSync('dpkg-query', ['-W', '-f', format], { encoding: 'utf8' })
      .trimEnd()
      .split('\n');
    const rows = await rowsOf('deb', contextOn('/'));
    const found = rows.map(({ name, arch, version, status, source, sourceVersion }) =>
      [`${String(name)}:${String(arch)}`, version, status, source, sourceVersion].join(' '),
    );
    expect(found.sort()).toEqual(expected.sort());
  });
});
