import { describe, expect, it } from 'vitest';
import type { CommandResult } from '../table.ts';
import { contextOn, keyedRows, layOut, rowsOf } from '../testing/host.ts';

const RPM = { '/var/lib/rpm/rpmdb.sqlite': 'x' };

const printed = (stdout: string, exitCode = 0): Promise<CommandResult> =>
  Promise.resolve({ exitCode, stdout: Buffer.from(stdout), stderr: '' });

/** A host of Fedora: what its dnf prints for the questions that the reader has. */
const fedora = (answers: { upgrades: string; security?: string; installed?: string }) => {
  const calls: string[] = [];
  const context = contextOn(layOut({ ...RPM, '/usr/bin/dnf': '' }), {
    run: (file, args) => {
      calls.push([file, ...args].join(' '));
      if (args.includes('--installed')) return printed(answers.installed ?? '');
      return printed(args.includes('--security') ? (answers.security ?? '') : answers.upgrades);
    },
  });
  return { context, calls };
};

describe('available updates of dnf', () => {
  it('come with the installed version and whether an advisory makes them security fixes', async () => {
    const { context, calls } = fedora({
      upgrades: 'bash|x86_64|5.3-2.fc43|updates\nbind-libs|x86_64|32:9.18.41-1.fc43|updates\n',
      security: 'bind-libs|x86_64|32:9.18.41-1.fc43|updates\n',
      installed: 'bash|x86_64|5.3-1.fc43|@System\nbind-libs|x86_64|32:9.18.40-1.fc43|@System\n',
    });
    expect(await rowsOf('available_updates', context)).toEqual([
      {
        package: 'bash',
        arch: 'x86_64',
        installedVersion: '5.3-1.fc43',
        candidateVersion: '5.3-2.fc43',
        repository: 'updates',
        security: false,
        held: false,
        phased: false,
        manager: 'dnf',
      },
      expect.objectContaining({
        package: 'bind-libs',
        installedVersion: '32:9.18.40-1.fc43',
        candidateVersion: '32:9.18.41-1.fc43',
        security: true,
      }),
    ]);
    expect(calls[0]).toContain('dnf -C -q repoquery --upgrades --latest-limit=1 --queryformat');
    for (const call of calls) expect(call).toMatch(/^dnf -C -q repoquery /);
  });

  it('are read from dnf 4 too, which adds empty lines and writes an epoch of 0', async () => {
    const { context } = fedora({
      upgrades: 'bash|x86_64|0:5.1-2.el9|baseos\n\nbroken\na|b|c|d|e\n',
      installed: 'bash|x86_64|0:5.1-1.el9|@System\n\n',
    });
    expect(await keyedRows('available_updates', context)).toMatchObject([
      { key: 'dnf|bash|x86_64', row: { installedVersion: '5.1-1.el9', candidateVersion: '5.1-2.el9' } },
    ]);
  });

  it('ask one question alone where there is none', async () => {
    const { context, calls } = fedora({ upgrades: '' });
    expect(await rowsOf('available_updates', context)).toEqual([]);
    expect(calls).toHaveLength(1);
  });

  it('R012 are unreadable where dnf has no metadata, and none on a host that only has the tool', async () => {
    const failing = contextOn(layOut({ ...RPM, '/usr/bin/dnf': '' }), { run: () => printed('', 1) });
    await expect(rowsOf('available_updates', failing)).rejects.toThrow('dnf ended with exit code 1');
    expect(await rowsOf('available_updates', contextOn(layOut({ '/usr/bin/dnf': '' })))).toEqual([]);
    expect(await rowsOf('available_updates', contextOn(layOut(RPM)))).toEqual([]);
  });
});

/** As zypper 1.14 prints it with --xmlout (zypper(8)). */
const ZYPPER = `<?xml version='1.0'?>
<stream>
<message type="info">Loading repository data...</message>
<update-status version="0.6">
<update-list>
  <update name="bash" edition="5.2.37-20.1" arch="x86_64" edition-old="5.2.37-19.1" kind="package" ><summary>The GNU &lt;Bourne&gt; shell</summary><description>text with name="x" edition="9"</description><license></license><source url="https://download.example/oss/" alias="repo-oss"/></update>
  <update kind="package" name="odd&amp;name" edition="1" arch="noarch"><summary></summary></update>
  <update kind="patch" name="openSUSE-2026-1" edition="1" arch="noarch"><source url="" alias="p"/></update>
  <update kind="package" name="half"></update>
</update-list>
</update-status>
</stream>
`;

describe('available updates of zypper', () => {
  it('are its packages, and its answer is the one that counts where dnf is there as well', async () => {
    const calls: string[] = [];
    const context = contextOn(layOut({ ...RPM, '/usr/bin/zypper': '', '/usr/bin/dnf': '' }), {
      run: (file, args) => {
        calls.push([file, ...args].join(' '));
        return printed(ZYPPER);
      },
    });
    expect(await rowsOf('available_updates', context)).toEqual([
      {
        package: 'bash',
        arch: 'x86_64',
        installedVersion: '5.2.37-19.1',
        candidateVersion: '5.2.37-20.1',
        repository: 'repo-oss',
        security: null,
        held: false,
        phased: false,
        manager: 'zypper',
      },
      expect.objectContaining({ package: 'odd&name', repository: null, installedVersion: null }),
    ]);
    expect(calls).toEqual(['zypper --non-interactive --no-refresh --xmlout list-updates']);
  });

  it('R012 are unreadable while another zypper works', async () => {
    const locked = contextOn(layOut({ ...RPM, '/usr/bin/zypper': '' }), { run: () => printed('', 7) });
    await expect(rowsOf('available_updates', locked)).rejects.toThrow('zypper ended with exit code 7');
  });
});

describe('several package managers', () => {
  it('R012 do not hide each other: the rows of one stand beside the reason of another', async () => {
    const entries = { ...RPM, '/usr/bin/zypper': '', '/usr/bin/apt-cache': '' };
    const root = layOut({
      ...entries,
      '/var/lib/dpkg/status': 'Package: demo\nStatus: install ok installed\nArchitecture: all\nVersion: 1\n',
    });
    const { tableNamed } = await import('../tables/index.ts');
    const rows = tableNamed('available_updates')?.open(contextOn(root, { run: () => printed(ZYPPER) }), {});
    const found: string[] = [];
    const reading = (async () => {
      for await (const { key } of rows ?? []) found.push(key);
    })();
    await expect(reading).rejects.toThrow('apt has no package lists');
    expect(found).toEqual(['zypper|bash|x86_64', 'zypper|odd&name|noarch']);
  });
});
