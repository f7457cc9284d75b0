import { describe, expect, it } from 'vitest';
import { tableNamed } from '../tables/index.ts';
import { contextOn, layOut, rowsOf } from '../testing/host.ts';

describe('identity tables on Linux', () => {
  const PASSWD =
    'root:x:0:0:root:/root:/bin/bash\nana:x:1000:1000:Ana,,,:/home/ana:/bin/zsh\nroot:x:5:5::/:/x\nbad:x:a\n';

  it('R018 read accounts with the state of their password and never its hash', async () => {
    const root = layOut({
      '/etc/passwd': PASSWD,
      '/etc/shadow': 'root:!:1::::::\nana:$6$salt$hash:1::::::\n',
    });
    const rows = await rowsOf('users', contextOn(root));
    expect(rows.map(({ name, passwordState, disabled }) => [name, passwordState, disabled])).toEqual([
      ['root', 'locked', true],
      ['ana', 'set', false],
    ]);
    expect(JSON.stringify(rows)).not.toContain('hash');
    expect(rows[1]).toMatchObject({ id: '1000', groupId: '1000', fullName: 'Ana', shell: '/bin/zsh' });
  });

  it('R012 reads accounts without the right to read the shadow file, and says what is missing', async () => {
    const root = layOut({ '/etc/passwd': PASSWD, '/etc/shadow': { link: '/etc/shadow' } });
    const names: unknown[] = [];
    const read = async () => {
      for await (const { row } of tableNamed('users')?.open(contextOn(root), {}) ?? [])
        names.push(row['name']);
    };
    await expect(read()).rejects.toThrow('/etc/shadow: EACCES');
    expect(names).toEqual(['root', 'ana']);
  });

  it('read groups, sudo rules and password rules', async () => {
    const root = layOut({
      '/etc/group': 'root:x:0:\nsudo:x:27:zoe,ana\n',
      '/etc/sudoers':
        '# comment\nDefaults env_reset\nana ALL=(ALL) \\\n  NOPASSWD: ALL # trailing\n@includedir /etc/sudoers.d\n',
      '/etc/sudoers.d/one': '#1000 ALL=(ALL) ALL\n',
      '/etc/sudoers.d/old.bak': 'x ALL=(ALL) ALL\n',
      '/etc/login.defs': 'PASS_MAX_DAYS\t99999\n# PASS_MIN_DAYS 0\nMAIL_DIR /var/mail\n',
      '/etc/security/pwquality.conf': 'minlen = 12\nenforce_for_root\n',
    });
    expect(await rowsOf('groups', contextOn(root))).toMatchObject([
      { name: 'root' },
      { members: ['ana', 'zoe'] },
    ]);
    expect((await rowsOf('sudoers', contextOn(root))).map(({ rule }) => rule)).toEqual([
      'Defaults env_reset',
      'ana ALL=(ALL) NOPASSWD: ALL',
      '#1000 ALL=(ALL) ALL',
    ]);
    expect(
      (await rowsOf('password_policy', contextOn(root))).map(({ setting, value }) => [setting, value]),
    ).toEqual([
      ['PASS_MAX_DAYS', '99999'],
      ['minlen', '12'],
      ['enforce_for_root', 'yes'],
    ]);
  });

  it('read the accounts that are logged on, each once', async () => {
    const record = (type: number, user: string): Buffer => {
      const bytes = Buffer.alloc(384);
      bytes.writeInt16LE(type, 0);
      bytes.write(user, 44);
      return bytes;
    };
    const root = layOut({
      '/run/utmp': Buffer.concat([record(7, 'zoe'), record(7, 'zoe'), record(8, 'gone')]),
      '/run/systemd/users/1000': 'NAME=ana\nSTATE=active\n',
      '/run/systemd/users/1001': 'NAME=bob\nSTATE=lingering\n',
    });
    expect(await rowsOf('logged_on_users', contextOn(root))).toEqual([{ user: 'ana' }, { user: 'zoe' }]);
  });
});
