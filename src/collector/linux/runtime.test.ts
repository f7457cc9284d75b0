import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { contextOn, keyedRows, layOut, place, rowsOf } from '../testing/host.ts';
import { ownTree } from './proc.ts';
import { formatAddress } from './sockets.ts';

const PASSWD = 'root:x:0:0:root:/root:/bin/bash\nana:x:1000:1000:Ana:/home/ana:/bin/bash\n';

const program = (pid: number, path: string, uid = 0) => ({
  [`/proc/${pid}/exe`]: { link: path },
  [`/proc/${pid}/status`]: `Name:\tx\nPid:\t${pid}\nPPid:\t1\nUid:\t9\t${uid}\t9\t9\n`,
});

/** A context in which something happens while the reader waits. */
function during(root: string, happen: () => void, waits: number[] = []) {
  let now = 5_000_000;
  return contextOn(root, {
    now: () => now,
    sleep: (ms) => {
      waits.push(ms);
      now += ms;
      happen();
      return Promise.resolve();
    },
  });
}

describe('processes', () => {
  it('R018 are programs and users seen in two samples 10 s apart', async () => {
    const root = layOut({
      '/etc/passwd': PASSWD,
      ...program(10, '/usr/bin/stays', 1000),
      ...program(11, '/usr/bin/ends'),
      ...program(12, '/usr/bin/replaced (deleted)'),
      '/proc/2/status': 'Name:\tkthreadd\nPPid:\t0\nUid:\t0\t0\t0\t0\n',
    });
    const waits: number[] = [];
    const context = during(
      root,
      () => {
        rmSync(join(root, 'proc/11'), { recursive: true });
        rmSync(join(root, 'proc/10'), { recursive: true });
        for (const [path, entry] of Object.entries({
          ...program(20, '/usr/bin/begins'),
          ...program(21, '/usr/bin/stays', 1000),
        })) {
          place(root, path, entry);
        }
      },
      waits,
    );
    expect(await keyedRows('processes', context)).toEqual([
      { key: '/usr/bin/replaced|root', row: { path: '/usr/bin/replaced', name: 'replaced', user: 'root' } },
      { key: '/usr/bin/stays|ana', row: { path: '/usr/bin/stays', name: 'stays', user: 'ana' } },
    ]);
    expect(waits).toEqual([10_000]);
  });

  it('use a sample of the last ten minutes instead of waiting again', async () => {
    const root = layOut({ '/etc/passwd': PASSWD, ...program(10, '/usr/bin/stays') });
    let now = 0;
    const waits: number[] = [];
    const context = contextOn(root, {
      now: () => now,
      sleep: (ms) => {
        waits.push(ms);
        now += ms;
        return Promise.resolve();
      },
    });
    await rowsOf('processes', context);
    now += 600_000;
    expect(await rowsOf('processes', context)).toHaveLength(1);
    expect(waits).toEqual([10_000]);
    now += 600_001;
    await rowsOf('processes', context);
    expect(waits).toEqual([10_000, 10_000]);
  });

  it("leave out the agent's own tree, all of it and nothing else", () => {
    const tree = [
      [100, 1],
      [102, 101],
      [101, 100],
      [200, 1],
    ] as const;
    const all = tree.map(([pid, parent]) => ({ pid, parent, uid: 0, path: '/x' }));
    expect([...ownTree(all, 100, 101)].sort()).toEqual([100, 101, 102]);
    expect([...ownTree(all, 1, 101)].sort()).toEqual([1, 101, 102]);
  });
});

describe('listening_ports', () => {
  const line = (address: string, state: string, uid: number, inode: number): string =>
    `   0: ${address} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000 ${uid} 0 ${inode} 1\n`;

  it('are listening sockets with program and user, without client ports', async () => {
    const root = layOut({
      '/etc/passwd': PASSWD,
      ...program(10, '/usr/sbin/sshd'),
      '/proc/10/fd/3': { link: 'socket:[700]' },
      '/proc/10/fd/4': { link: 'pipe:[701]' },
      '/proc/net/tcp': `header\n${line('0100007F:0016', '0A', 0, 700)}${line('0100007F:0017', '01', 0, 702)}`,
      '/proc/net/tcp6': `header\n${line('00000000000000000000000001000000:0050', '0A', 1000, 703)}`,
      '/proc/net/udp': `header\n${line('00000000:0044', '07', 0, 704)}${line('00000000:C000', '07', 0, 705)}`,
    });
    expect(await rowsOf('listening_ports', contextOn(root))).toEqual([
      { protocol: 'tcp', address: '127.0.0.1', port: 22, path: '/usr/sbin/sshd', user: 'root' },
      { protocol: 'tcp6', address: '::1', port: 80, path: null, user: 'ana' },
      { protocol: 'udp', address: '0.0.0.0', port: 68, path: null, user: 'root' },
    ]);
  });

  it('refuses an address of another length', () => {
    expect(formatAddress('0100007F00')).toBeUndefined();
    expect(formatAddress('B80D01200000000000000000FF00000A')).toBe('2001:db8::a00:ff');
  });
});

describe('services', () => {
  it('R019 have the state that their files and links give them', async () => {
    const install = '\n[Install]\nWantedBy=multi-user.target\n';
    const lib = '/lib/systemd/system';
    const etc = '/etc/systemd/system';
    const root = layOut({
      [`${lib}/on.service`]: `[Unit]\nDescription=Runs\n[Service]\nUser=ana\nExecStart=/bin/on \\\n  --token abc${install}`,
      [`${lib}/off.service`]: `[Service]\nExecStart=/bin/off${install}`,
      [`${lib}/static.service`]: '[Service]\nExecStart=/bin/static\n',
      [`${lib}/gone.service`]: '[Service]\nExecStart=/bin/gone\n',
      [`${lib}/getty@.service`]: `[Service]\nExecStart=/bin/getty${install}`,
      [`${etc}/gone.service`]: { link: '/dev/null' },
      [`${etc}/multi-user.target.wants/on.service`]: { link: `${lib}/on.service` },
      [`${etc}/getty.target.wants/getty@tty1.service`]: { link: `${lib}/getty@.service` },
      [`${etc}/off.service.d/override.conf`]: '[Service]\nExecStart=\nExecStart=/bin/other\n',
      '/etc/init.d/old': { script: '#!/bin/sh\n# Short-Description: Old one\n' },
      '/etc/init.d/on': { script: '#!/bin/sh\n' },
      '/etc/rc3.d/S01old': { link: '../init.d/old' },
    });
    const rows = await rowsOf('services', contextOn(root));
    expect(rows.map(({ manager, name, startMode }) => [manager, name, startMode])).toEqual([
      ['systemd', 'gone', 'masked'],
      ['systemd', 'getty@', 'enabled'],
      ['systemd', 'off', 'disabled'],
      ['systemd', 'on', 'enabled'],
      ['systemd', 'static', 'static'],
      ['sysv', 'old', 'enabled'],
    ]);
    expect(rows[2]).toMatchObject({ command: '/bin/other' });
    expect(rows[3]).toMatchObject({
      displayName: 'Runs',
      user: 'ana',
      command: '/bin/on    --token [redacted]',
    });
  });
});

describe('what starts by itself', () => {
  it('startup_items: autostart files, rc.local, units of users', async () => {
    const root = layOut({
      '/etc/passwd': PASSWD,
      '/etc/rc.local': { script: '#!/bin/sh\n' },
      '/etc/xdg/autostart/a.desktop': '[Desktop Entry]\nName=A\nExec=/usr/bin/a\n',
      '/home/ana/.config/autostart/b.desktop': '[Desktop Entry]\nName=B\nExec=b\nHidden=true\n',
      '/home/ana/.config/systemd/user/default.target.wants/c.service': { link: '../c.service' },
    });
    const rows = await rowsOf('startup_items', contextOn(root));
    expect(rows.map(({ kind, name, user, enabled }) => [kind, name, user, enabled])).toEqual([
      ['rc.local', 'rc.local', null, true],
      ['autostart', 'A', null, true],
      ['autostart', 'B', 'ana', false],
      ['user unit', 'c.service', 'ana', true],
    ]);
  });

  it('scheduled_tasks: crontabs, cron scripts, timers', async () => {
    const root = layOut({
      '/etc/crontab':
        'SHELL=/bin/sh\n# 1 2 3 4 5 root no\n17 *\t* * *\troot cd / && run\n17 * * * * root cd / && run\n',
      '/etc/cron.d/job': '@daily ana /bin/job --password=geheim\n',
      '/etc/cron.d/job.dpkg-old': '@daily root /bin/old\n',
      '/var/spool/cron/crontabs/ana': '*/5 * * * * /home/ana/x\n',
      '/etc/cron.daily/logrotate': { script: '#!/bin/sh\n' },
      '/lib/systemd/system/t.timer':
        '[Timer]\nOnCalendar=daily\nOnBootSec=5min\n[Install]\nWantedBy=timers.target\n',
    });
    const rows = await rowsOf('scheduled_tasks', contextOn(root));
    expect(rows.map(({ schedule, user, command, enabled }) => [schedule, user, command, enabled])).toEqual([
      ['17 * * * *', 'root', 'cd / && run', true],
      ['@daily', 'ana', '/bin/job --password=[redacted]', true],
      ['*/5 * * * *', 'ana', '/home/ana/x', true],
      ['daily', 'root', '/etc/cron.daily/logrotate', true],
      ['OnCalendar=daily; OnBootSec=5min', null, 't.service', false],
    ]);
  });
});

describe('kernel_modules and containers', () => {
  it('read modules without their use counts', async () => {
    const root = layOut({
      '/proc/modules': 'zfs 100 7 - Live 0x0 (PO)\next4 200 3 - Live 0x0\n',
      '/sys/module/zfs/version': '2.1.11\n',
      '/sys/module/zfs/taint': 'PO\n',
    });
    expect(await rowsOf('kernel_modules', contextOn(root))).toEqual([
      { name: 'zfs', version: '2.1.11', sourceVersion: null, outOfTree: true },
      { name: 'ext4', version: null, sourceVersion: null, outOfTree: false },
    ]);
  });

  it('read containers from the state of Docker and podman', async () => {
    const root = layOut({
      '/var/lib/docker/containers/abc/config.v2.json':
        '{"ID":"abc","Name":"/web","Created":"2026-01-01T00:00:00Z","Image":"sha256:1","Config":{"Image":"nginx:1"}}',
      '/var/lib/containers/storage/overlay-containers/containers.json':
        '[{"id":"def","names":["db"],"image":"2","metadata":"{\\"image-name\\":\\"pg:16\\"}","created":"2026"}]',
    });
    expect(await rowsOf('containers', contextOn(root))).toMatchObject([
      { runtime: 'docker', id: 'abc', name: 'web', image: 'nginx:1', imageId: 'sha256:1' },
      { runtime: 'podman', id: 'def', name: 'db', image: 'pg:16', imageId: '2', user: null },
    ]);
  });
});
