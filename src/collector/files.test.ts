import { execFileSync } from 'node:child_process';
import { mkdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { listNames, readText, readValue } from './files.ts';
import { hostPath, openRegular } from './open-file.ts';
import { readLines } from './lines.ts';
import { contextOn, layOut, place } from './testing/host.ts';

const on = (root: string) => ({ root, os: 'linux' }) as const;

describe('host files', () => {
  it('are not there: undefined, no error', () => {
    const host = on(layOut({ '/etc/a': 'x' }));
    expect(readText(host, '/etc/b')).toBeUndefined();
    expect(readText(host, '/etc/a/b')).toBeUndefined();
    expect(listNames(host, '/nowhere')).toEqual([]);
  });

  it('refuses a FIFO at once instead of waiting for a writer', () => {
    const root = layOut({ '/etc/passwd': '' });
    execFileSync('mkfifo', [join(root, 'etc/fifo')]);
    expect(() => readText(on(root), '/etc/fifo')).toThrow('/etc/fifo: not a regular file');
    expect(() => readText(on('/'), '/dev/zero')).toThrow('/dev/zero: not a regular file');
  });

  it('refuses what is larger than allowed, whatever size the file states', () => {
    const host = on(layOut({ '/big': 'x'.repeat(2_000) }));
    expect(() => readText(host, '/big', { maxBytes: 1_999 })).toThrow('/big: larger than allowed');
    expect(() => readText(on('/'), '/proc/self/status', { maxBytes: 10 })).toThrow('larger than allowed');
  });

  it('follows a link inside the root and no link out of it', () => {
    const root = layOut({
      '/usr/lib/os-release': 'ID=x',
      '/etc/os-release': { link: '../usr/lib/os-release' },
      '/etc/out': { link: '/etc/passwd' },
    });
    expect(readText(on(root), '/etc/os-release')).toBe('ID=x');
    expect(() => readText(on(root), '/etc/out')).toThrow('/etc/out: a link leads elsewhere');
  });

  it('follows no link at all below a folder that a user owns', () => {
    const root = layOut({
      '/secret/key': 'k',
      '/home/u/real/file': 'ok',
      '/home/u/dir': { link: '../../secret' },
    });
    place(root, '/home/u/file', { link: '../../secret/key' });
    expect(readText(on(root), '/home/u/real/file', { links: 'none' })).toBe('ok');
    expect(() => readText(on(root), '/home/u/file', { links: 'none' })).toThrow('/home/u/file: ELOOP');
    expect(() => readText(on(root), '/home/u/dir/key', { links: 'none' })).toThrow('a link leads elsewhere');
  });

  it('ends at a loop of links and at a path that is too long', () => {
    const root = layOut({ '/a': { link: 'b' }, '/b': { link: 'a' } });
    expect(() => readText(on(root), '/a')).toThrow('/a: ELOOP');
    expect(() => readText(on(root), `/${'d/'.repeat(2_500)}x`)).toThrow('ENAMETOOLONG');
  });

  it.each(['etc/passwd', '/../etc/passwd', '/a/../../etc', '/a\0b', ''])('refuses the path %j', (path) => {
    expect(() => hostPath(on('/tmp'), path)).toThrow('path refused');
  });

  it('leaves the access time as it was', () => {
    const root = layOut({ '/f': 'x' });
    const old = new Date('2020-01-01T00:00:00Z');
    utimesSync(join(root, 'f'), old, old);
    expect(readText(on(root), '/f')).toBe('x');
    expect(statSync(join(root, 'f')).atime).toEqual(old);
  });

  it('lists and opens names that are not UTF-8', () => {
    const root = layOut();
    mkdirSync(join(root, 'd'));
    writeFileSync(Buffer.concat([Buffer.from(`${root}/d/`), Buffer.of(0x61, 0xff)]), 'content');
    const [name = ''] = listNames(on(root), '/d');
    expect(name).toBe('a\udcff');
    expect(readText(on(root), `/d/${name}`)).toBe('content');
  });

  it('gives null for an empty or refused value', () => {
    const root = layOut({ '/sys/empty': '\n', '/sys/v': ' a \0\n' });
    expect([readValue(on(root), '/sys/empty'), readValue(on(root), '/sys/v')]).toEqual([null, 'a']);
    expect(openRegular(on(root), '/sys/none')).toBeUndefined();
  });
});

describe('lines', () => {
  const linesOf = async (root: string, path: string): Promise<string[]> => {
    const found: string[] = [];
    for await (const line of readLines(contextOn(root), path)) found.push(line);
    return found;
  };

  it('are whole across chunks, without their line ends', async () => {
    const lines = Array.from({ length: 20_000 }, (_, index) => `line ${index} ü`);
    const root = layOut({ '/f': lines.join('\n'), '/crlf': 'a\r\n\r\nb\r\n' });
    expect(await linesOf(root, '/f')).toEqual(lines);
    expect(await linesOf(root, '/crlf')).toEqual(['a', '', 'b']);
  });

  it('refuses a line without end', async () => {
    const root = layOut({ '/f': 'x'.repeat(3 * 1024 * 1024) });
    await expect(linesOf(root, '/f')).rejects.toThrow('/f: a line is longer than allowed');
  });
});
