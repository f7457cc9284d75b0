import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, chownSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { contextOn, keyedRows, layOut, rowsOf } from '../testing/host.ts';
import { redact } from './redact.ts';

const on = (root: string) => contextOn(root);

describe('file probe', () => {
  it('R018 reads identity, rights, hash and match of a file', async () => {
    const root = layOut({
      '/etc/passwd': 'ana:x:1000:1000::/home/ana:/bin/sh\n',
      '/etc/group': 'staff:x:50:\n',
      '/etc/ssh/sshd_config': 'Port 22\nPermitRootLogin no\n',
    });
    const path = join(root, 'etc/ssh/sshd_config');
    chmodSync(path, 0o4640);
    chownSync(path, 1000, 50);
    const params = { path: '/etc/ssh/sshd_config', hash: true, match: '^PermitRootLogin\\s+no$' };
    expect(await rowsOf('file', on(root), params)).toEqual([
      {
        path: '/etc/ssh/sshd_config',
        exists: true,
        type: 'file',
        target: null,
        owner: 'ana',
        ownerId: '1000',
        group: 'staff',
        groupId: '50',
        mode: '0640',
        size: 27,
        sha256: createHash('sha256').update('Port 22\nPermitRootLogin no\n').digest('hex'),
        match: true,
        reason: null,
      },
    ]);
  });

  it('says that a file is absent, and what a link, a FIFO or a directory is, without following or waiting', async () => {
    const root = layOut({ '/a/link': { link: '/etc/shadow' } });
    execFileSync('mkfifo', [join(root, 'a/fifo')]);
    const probe = async (path: string) =>
      (await rowsOf('file', on(root), { path, hash: true, match: 'root' }))[0];
    expect(await probe('/a/none')).toMatchObject({ exists: false, type: null, sha256: null, reason: null });
    expect(await probe('/a/link')).toMatchObject({
      type: 'symlink',
      target: '/etc/shadow',
      sha256: null,
      match: null,
    });
    expect(await probe('/a/fifo')).toMatchObject({ type: 'fifo', reason: 'not a regular file' });
    expect(await probe('/a')).toMatchObject({ type: 'directory', size: null });
  });

  it('hashes no file of more than 256 MiB and says so', async () => {
    const root = layOut({ '/big': '' });
    truncateSync(join(root, 'big'), 10 * 1024 ** 3);
    expect(await rowsOf('file', on(root), { path: '/big', hash: true })).toMatchObject([
      { size: 10 * 1024 ** 3, sha256: null, reason: '/big: larger than allowed' },
    ]);
  });

  it('gives rows of different questions about one file different keys', async () => {
    const root = layOut({ '/f': 'x' });
    const keys = await Promise.all(
      [{}, { hash: true }, { match: 'x' }, { match: 'y' }].map(async (more) => {
        const [row] = await keyedRows('file', on(root), { path: '/f', ...more });
        return row?.key;
      }),
    );
    expect(new Set(keys).size).toBe(4);
  });

  it.each(['../../etc/shadow', '/var/../etc/shadow', 'etc/passwd', '/a\0b', `/${'x'.repeat(5_000)}`])(
    'refuses the path %j',
    async (path) => {
      await expect(rowsOf('file', on(layOut()), { path })).rejects.toThrow('file: parameters refused: path:');
    },
  );

  it('gives the reason when a link stands in the way of the content', async () => {
    const root = layOut({ '/top/real/file': 'x', '/top/dir': { link: 'real' } });
    expect(await rowsOf('file', on(root), { path: '/top/dir/file', hash: true })).toMatchObject([
      { exists: true, sha256: null, reason: '/top/dir/file: a link leads elsewhere' },
    ]);
  });
});

describe('config_line probe', () => {
  it('gives the lines that match, with the values of secrets blanked', async () => {
    const root = layOut({ '/etc/app.conf': 'user=app\npassword = hunter2\n  password2=x\nuser=app\n' });
    const found = await keyedRows('config_line', on(root), {
      path: '/etc/app.conf',
      match: '^\\s*(user|pass)',
    });
    expect(found.map(({ row }) => row['line'])).toEqual([
      'user=app',
      'password = [redacted]',
      'password2=[redacted]',
      'user=app',
    ]);
    expect(new Set(found.map(({ key }) => key)).size).toBe(4);
  });

  it('gives nothing of an absent file, and no line of a shadow file or key', async () => {
    const params = { match: '.' };
    expect(await rowsOf('config_line', on(layOut()), { ...params, path: '/etc/none' })).toEqual([]);
    for (const path of ['/etc/shadow', '/root/.ssh/id_ed25519', '/etc/ssl/private/a.key']) {
      await expect(rowsOf('config_line', on('/'), { ...params, path })).rejects.toThrow('holds secrets');
    }
  });

  it('reports at most 1,000 lines', async () => {
    const root = layOut({ '/f': Array.from({ length: 1_001 }, (_, index) => `line ${index}`).join('\n') });
    await expect(rowsOf('config_line', on(root), { path: '/f', match: 'line' })).rejects.toThrow(
      '/f: more than 1000 lines match',
    );
  });
});

describe('redaction', () => {
  it.each([
    ['DB_PASSWORD: "a b"', 'DB_PASSWORD: [redacted]'],
    ['run --api-key abc --verbose', 'run --api-key [redacted] --verbose'],
    ['proxy=http://ana:geheim@proxy:3128/', 'proxy=http://ana:[redacted]@proxy:3128/'],
    ['root:$6$salt$hash:19000', 'root:[redacted]:19000'],
    ['c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0', '[redacted]'],
    ['PasswordAuthentication no', 'PasswordAuthentication no'],
    ['PermitRootLogin no', 'PermitRootLogin no'],
  ])('turns %s into %s', (line, expected) => {
    expect(redact(line)).toBe(expected);
  });
});

describe('sysctl and certificate probes', () => {
  it('reads a kernel parameter, and says when there is none', async () => {
    const root = layOut({
      '/proc/sys/net/ipv4/tcp_rmem': '4096\t131072\t6291456\n',
      '/proc/sys/net/ipv4/conf/eth0.1/rp_filter': '1',
    });
    expect(await rowsOf('sysctl', on(root), { name: 'net.ipv4.tcp_rmem' })).toEqual([
      { name: 'net.ipv4.tcp_rmem', exists: true, value: '4096 131072 6291456' },
    ]);
    expect(await rowsOf('sysctl', on(root), { name: 'net.ipv4.conf.eth0/1.rp_filter' })).toMatchObject([
      { value: '1' },
    ]);
    expect(await rowsOf('sysctl', on(root), { name: 'kernel.none' })).toMatchObject([
      { exists: false, value: null },
    ]);
  });

  it.each(['../../etc/passwd', 'kernel..x', '/kernel', 'kernel//../x'])(
    'refuses the parameter %s',
    async (name) => {
      await expect(rowsOf('sysctl', on(layOut()), { name })).rejects.toThrow('sysctl: parameters refused');
    },
  );

  it('reads certificates of a PEM file, and refuses what is none', async () => {
    const root = layOut({ '/bad.pem': 'no certificate' });
    const args = [
      'req',
      '-x509',
      '-newkey',
      'ed25519',
      '-nodes',
      '-days',
      '30',
      '-subj',
      '/CN=host.example/O=Us',
    ];
    execFileSync('openssl', [...args, '-keyout', join(root, 'key'), '-out', join(root, 'a.pem')], {
      stdio: 'ignore',
    });
    expect(await rowsOf('certificate', on(root), { path: '/a.pem' })).toMatchObject([
      {
        path: '/a.pem',
        subject: 'CN=host.example, O=Us',
        issuer: 'CN=host.example, O=Us',
        ca: true,
        keyType: 'ed25519',
      },
    ]);
    await expect(rowsOf('certificate', on(root), { path: '/bad.pem' })).rejects.toThrow(
      '/bad.pem: not a certificate',
    );
    expect(await rowsOf('certificate', on(root), { path: '/none.pem' })).toEqual([]);
  });
});
