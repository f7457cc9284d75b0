import { spawnSync } from 'node:child_process';
import { truncateSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { spendOnHashing } from './hash-budget.ts';
import { hostPath } from './open-file.ts';
import { isModest } from './linux/json.ts';
import { redact } from './linux/redact.ts';
import { decodeHostText } from './text.ts';
import { contextOn, keyedRows, layOut, rowsOf } from './testing/host.ts';

const MIB = 1024 * 1024;
const SHA256_OF_XY = '769a4e6d0003189c7e96c5d9b7e810a0d11c3a12832527ec94b0f86d277f51ca';

/** Milliseconds that a piece of work takes. */
function timeOf(work: () => unknown): number {
  const started = performance.now();
  work();
  return performance.now() - started;
}

describe('a manifest that is signed but wrong', () => {
  it.each([
    '//etc/shadow',
    '/etc//shadow',
    '/etc/./shadow',
    '/./etc/shadow',
    '//server/share/x',
    'C:\\\\x',
    '/etc/.',
  ])('gets no path that has another spelling: %s', async (path) => {
    const reason = 'parameters refused: path: the path is not in its shortest form';
    await expect(rowsOf('config_line', contextOn('/'), { path, match: '.' })).rejects.toThrow(reason);
  });

  it('gets no line of a secret file by way of a link, nor whether one matches', async () => {
    const root = layOut({
      '/etc/shadow': 'root:x\n',
      '/etc/ssh/ssh_host_ed25519_key': 'key\n',
      '/home/u/conf': { link: '../../etc/shadow' },
    });
    await expect(
      rowsOf('config_line', contextOn(root), { path: '/home/u/conf', match: '.' }),
    ).rejects.toThrow('holds secrets');
    for (const path of ['/etc/shadow', '/etc/ssh/ssh_host_ed25519_key']) {
      expect(await rowsOf('file', contextOn(root), { path, match: '^root' })).toMatchObject([
        { exists: true, match: null, reason: expect.stringContaining('holds secrets') as string },
      ]);
    }
  });

  it.each(['/proc/self/environ', '/proc/1/maps', '/proc/self/root/etc/hosts', '/sys/kernel/notes'])(
    'gets no content of %s, which the kernel makes up',
    async (path) => {
      const [row] = await rowsOf('file', contextOn('/'), { path, hash: true });
      expect(row).toMatchObject({ sha256: null });
      expect(row?.['reason']).toBeTruthy();
      await expect(rowsOf('config_line', contextOn('/'), { path, match: '.' })).rejects.toThrow(
        'of the kernel',
      );
      await expect(rowsOf('certificate', contextOn('/'), { path })).rejects.toThrow('of the kernel');
    },
  );

  it('hashes no huge sparse file', async () => {
    const root = layOut({ '/huge': '' });
    truncateSync(join(root, 'huge'), 10 * 1024 * MIB);
    expect(await rowsOf('file', contextOn(root), { path: '/huge', hash: true })).toMatchObject([
      { sha256: null, reason: '/huge: larger than allowed' },
    ]);
  });

  it('hashes no more than 4 GiB in one collection, and as much in the next one', async () => {
    const root = layOut({ '/two': 'xy', '/one': 'x' });
    const context = contextOn(root);
    const hashOf = async (path: string, of = context) => (await rowsOf('file', of, { path, hash: true }))[0];
    spendOnHashing(context, 4 * 1024 * MIB - 3);
    expect(await hashOf('/two')).toMatchObject({ sha256: SHA256_OF_XY, reason: null });
    expect(await hashOf('/one')).toMatchObject({ reason: null });
    expect(await hashOf('/one')).toMatchObject({
      sha256: null,
      reason: 'the files of this collection are too large together',
    });
    expect(await hashOf('/two', contextOn(root))).toMatchObject({ sha256: SHA256_OF_XY, reason: null });
  });

  it.each([
    'C:/a/../b',
    '//server/share/f',
    '\\\\server\\share',
    '/etc/passwd',
    'C:/f.txt:stream',
    'C:/NUL',
    'C:/a /b',
  ])('gets nothing of %s on Windows, which is no plain path on a drive', (path) => {
    expect(() => hostPath({ root: '/', os: 'win32' }, path)).toThrow('path refused');
  });
});

describe('a person who writes files to stop the collector', () => {
  it.each(['-token', 'token= ', 'token="', "token='", ' -token ', 'a://b:', 'a', 'psk:', '$6$x', 'token '])(
    'gets a line of %j repeated blanked in time linear in its length',
    (unit) => {
      expect(timeOf(() => redact(unit.repeat(MIB / unit.length)))).toBeLessThan(2_000);
    },
  );

  it('gets metadata of blanks read at once', async () => {
    const folder = '/home/u/.local/lib/python3.11/site-packages/x-1.dist-info';
    const root = layOut({
      '/etc/passwd': 'u:x:1000:1000::/home/u:/bin/sh\n',
      [`${folder}/METADATA`]: `Name: x${' '.repeat(500_000)}y\nVersion: 2 \t\n`,
      '/home/u/.config/autostart/a.desktop': `[Desktop Entry]\n${'a=b\n'.repeat(200_000)}`,
      '/home/u/.local/share/flatpak/app/a/x86_64/stable/active': { link: 'a'.repeat(64) },
      [`/home/u/.local/share/flatpak/app/a/x86_64/stable/${'a'.repeat(64)}/files/share/metainfo/a.metainfo.xml`]:
        '<release '.repeat(100_000),
    });
    const started = performance.now();
    expect(await rowsOf('python', contextOn(root))).toMatchObject([{ version: '2' }]);
    expect(await rowsOf('startup_items', contextOn(root))).toHaveLength(1);
    expect(await rowsOf('flatpak', contextOn(root))).toMatchObject([{ version: null }]);
    expect(performance.now() - started).toBeLessThan(3_000);
  });

  it('leads no lister of their folders elsewhere', async () => {
    const root = layOut({
      '/etc/passwd': 'u:x:1000:1000::/home/u:/bin/sh\n',
      '/root/site-packages/private-1.0.dist-info/METADATA': '',
      '/home/u/.local/lib/python3.11': { link: '/../root' },
      '/root/units/default.target.wants/secret.service': { link: '/x' },
      '/home/u/.config/systemd/user': { link: '../../../../root/units' },
    });
    expect(await keyedRows('python', contextOn(root))).toEqual([]);
    expect(await keyedRows('startup_items', contextOn(root))).toEqual([]);
  });

  it('gets no JSON parsed that would grow in memory', () => {
    expect(isModest('['.repeat(MIB))).toBe(false);
    expect(isModest(`[${'[],'.repeat(250_000)}0]`)).toBe(false);
    expect(isModest(`["${'[,'.repeat(300_000)}\\"[["]`)).toBe(true);
    expect(timeOf(() => isModest('"\\'.repeat(2 * MIB)))).toBeLessThan(2_000);
  });

  it('gets every JSON of a sane shape parsed', () => {
    fc.assert(fc.property(fc.json({ maxDepth: 20 }), (text) => isModest(text)));
  });

  it('gets 16 MiB of invalid bytes decoded in a heap of 64 MiB', () => {
    const module = new URL('./text.ts', import.meta.url).href;
    const script = `const { decodeHostText } = await import(${JSON.stringify(module)});
      const text = decodeHostText(Buffer.alloc(16 * 1024 * 1024, 0xff));
      process.exit(text.length === 16 * 1024 * 1024 ? 0 : 3);`;
    const { status } = spawnSync(process.execPath, [
      '--max-old-space-size=64',
      '--input-type=module',
      '-e',
      script,
    ]);
    expect(status).toBe(0);
  });

  it('gets mixed text decoded without loss', () => {
    const text = Buffer.concat([Buffer.from('aü€😀'), Buffer.of(0xff, 0xe2, 0x82), Buffer.from('z')]);
    expect(decodeHostText(text)).toBe('aü€😀\udcff\udce2\udc82z');
  });
});

describe('a package database that is damaged', () => {
  it('takes the last of a repeated field, and no line without end', async () => {
    const root = layOut({
      '/var/lib/dpkg/status': `Package: a\nVersion: 1\n${'Version: 2\n'.repeat(50_000)}`,
    });
    expect(await rowsOf('deb', contextOn(root))).toMatchObject([{ name: 'a', version: '2' }]);
    const endless = layOut({ '/var/lib/dpkg/status': '' });
    truncateSync(join(endless, 'var/lib/dpkg/status'), 32 * MIB);
    await expect(rowsOf('deb', contextOn(endless))).rejects.toThrow('a line is longer than allowed');
  });
});
