import { describe, expect, it } from 'vitest';
import { contextOn, keyedRows, layOut, rowsOf } from '../testing/host.ts';
import { batteryRow } from './battery.ts';
import { ipv4Rows, ipv6Rows } from './addresses.ts';
import { moduleRows } from './memory.ts';
import { ipv4Routes, ipv6Routes } from './routes.ts';
import { fqdnInHosts } from './system-info.ts';

describe('system tables on Linux', () => {
  it('R020 read operating system and names', async () => {
    const root = layOut({
      '/etc/os-release': 'NAME="Debian GNU/Linux"\nVERSION_ID="12"\nID=debian\nVERSION_CODENAME=bookworm\n',
      '/etc/debian_version': '12.11\n',
      '/proc/sys/kernel/hostname': 'laptop-0815-of-ana\n',
      '/proc/sys/kernel/osrelease': '6.1.0-18-amd64\n',
      '/etc/hosts': '127.0.0.1 localhost\n127.0.1.1 laptop-0815-of-ana.corp.example laptop-0815-of-ana\n',
      '/sys/class/dmi/id/sys_vendor': 'LENOVO\n',
      '/sys/class/dmi/id/product_serial': 'To Be Filled By O.E.M.\n',
      '/sys/class/dmi/id/product_uuid': '4C4C4544-0051\n',
      '/sys/class/dmi/id/chassis_type': '10\n',
    });
    expect(await rowsOf('os_version', contextOn(root))).toMatchObject([
      {
        family: 'linux',
        name: 'Debian GNU/Linux',
        id: 'debian',
        version: '12',
        release: '12.11',
        codename: 'bookworm',
      },
    ]);
    expect(await rowsOf('system_info', contextOn(root))).toMatchObject([
      {
        vendor: 'LENOVO',
        serial: null,
        uuid: '4c4c4544-0051',
        chassis: 'notebook',
        hostname: 'laptop-0815-of-ana',
        fqdn: 'laptop-0815-of-ana.corp.example',
        netbiosName: 'LAPTOP-0815-OF-',
        kernel: '6.1.0-18-amd64',
      },
    ]);
  });

  it('takes the domain of no other host', () => {
    expect(fqdnInHosts('10.0.0.1 other.example other\n10.0.0.2 me2.example me2', 'me')).toBeUndefined();
  });

  it('R019 groups processors into packages', async () => {
    const core = (processor: number, physical: number): string =>
      `processor\t: ${processor}\nvendor_id\t: GenuineIntel\nmodel name\t: Core\nmodel\t\t: 0\nphysical id\t: ${physical}\ncpu cores\t: 1\nflags\t\t:\n\n`;
    const root = layOut({ '/proc/cpuinfo': core(0, 0) + core(1, 0) + core(2, 1) });
    expect(await keyedRows('cpu', contextOn(root))).toMatchObject([
      { key: '0', row: { vendor: 'GenuineIntel', brand: 'Core', model: '0', cores: 1, threads: 2 } },
      { key: '1', row: { threads: 1 } },
    ]);
  });

  it('reads disks and which of them are encrypted', async () => {
    const block = '/sys/class/block';
    const devices = '../../devices/pci0000:00';
    const root = layOut({
      [`/sys/devices/pci0000:00/nvme/nvme0/nvme0n1/size`]: '2000\n',
      [`/sys/devices/pci0000:00/nvme/nvme0/nvme0n1/device/model`]: 'Fast 1T  \n',
      [`/sys/devices/pci0000:00/nvme/nvme0/nvme0n1/device/serial`]: 'S1\n',
      [`/sys/devices/pci0000:00/nvme/nvme0/nvme0n1/nvme0n1p1/size`]: '500\n',
      [`/sys/devices/pci0000:00/nvme/nvme0/nvme0n1/nvme0n1p1/partition`]: '1\n',
      [`/sys/devices/pci0000:00/nvme/nvme0/nvme0n1/nvme0n1p2/size`]: '1500\n',
      [`/sys/devices/pci0000:00/nvme/nvme0/nvme0n1/nvme0n1p2/partition`]: '2\n',
      [`/sys/devices/virtual/block/dm-0/size`]: '1490\n',
      [`/sys/devices/virtual/block/dm-0/dm/uuid`]: 'CRYPT-LUKS2-abc-root\n',
      [`/sys/devices/virtual/block/dm-0/dm/name`]: 'root_crypt\n',
      [`/sys/devices/virtual/block/dm-0/slaves/nvme0n1p2/x`]: '',
      [`${block}/nvme0n1`]: { link: `${devices}/nvme/nvme0/nvme0n1` },
      [`${block}/nvme0n1p1`]: { link: `${devices}/nvme/nvme0/nvme0n1/nvme0n1p1` },
      [`${block}/nvme0n1p2`]: { link: `${devices}/nvme/nvme0/nvme0n1/nvme0n1p2` },
      [`${block}/dm-0`]: { link: '../../devices/virtual/block/dm-0' },
      [`${block}/loop0/size`]: '8\n',
    });
    expect(await keyedRows('disks', contextOn(root))).toMatchObject([
      {
        key: 'S1',
        row: {
          device: 'nvme0n1',
          model: 'Fast 1T',
          type: 'NVMe',
          interface: 'nvme',
          capacityBytes: 1_024_000,
        },
      },
    ]);
    expect(await rowsOf('disk_encryption', contextOn(root))).toMatchObject([
      { device: 'nvme0n1p1', encrypted: false, method: null, volume: null },
      { device: 'nvme0n1p2', encrypted: true, method: 'LUKS2', volume: 'root_crypt' },
    ]);
  });

  it('reads the mounts that last', async () => {
    const root = layOut({
      '/proc/1/mounts': [
        '/dev/sda1 / ext4 rw,relatime,errors=remount-ro 0 0',
        'proc /proc proc rw 0 0',
        'tmpfs /run tmpfs rw 0 0',
        'overlay /var/lib/docker/overlay2/x/merged overlay rw 0 0',
        '/dev/loop3 /snap/core/1 squashfs ro 0 0',
        'srv:/share /mnt/my\\040files nfs4 rw 0 0',
      ].join('\n'),
    });
    expect(await rowsOf('mounts', contextOn(root))).toMatchObject([
      { path: '/', device: '/dev/sda1', fsType: 'ext4', options: 'errors=remount-ro,relatime,rw' },
      { path: '/mnt/my files', device: 'srv:/share', fsType: 'nfs4', capacityBytes: null },
    ]);
  });

  it('R019 reads capacity of memory and battery, never their state', async () => {
    const root = layOut({ '/proc/meminfo': 'MemTotal:       16384 kB\nMemFree:        1 kB\n' });
    expect(await rowsOf('memory', contextOn(root))).toMatchObject([{ capacityBytes: 16_777_216 }]);
    const module = {
      size: 8,
      bank: 'DIMM A',
      type: 'DDR5',
      ecc: null,
      formFactor: '',
      serialNum: '77',
      partNum: '-',
    };
    const more = {
      clockSpeed: 1,
      voltageConfigured: null,
      voltageMin: null,
      voltageMax: null,
      manufacturer: 'M',
    };
    expect(
      moduleRows([
        { ...module, ...more, ecc: false },
        { ...module, ...more, ecc: false },
        { ...module, ...more, ecc: false, bank: '' },
      ]),
    ).toEqual([
      { key: 'DIMM A|\\0|77', row: expect.objectContaining({ serial: '77' }) as unknown },
      {
        key: 'DIMM A|\\0|77|2',
        row: { capacityBytes: 8, type: 'DDR5', manufacturer: 'M', partNumber: null, serial: '77' },
      },
    ]);
    const battery = {
      manufacturer: 'B',
      model: 'X',
      serial: '',
      type: 'Li-ion',
      designedCapacity: 57_000.4,
      capacityUnit: 'mWh',
    };
    const state = {
      hasBattery: true,
      cycleCount: 3,
      isCharging: true,
      voltage: 12,
      maxCapacity: 1,
      currentCapacity: 1,
    };
    const rest = { percent: 50, timeRemaining: 3, acConnected: true };
    expect(batteryRow('BAT0', { ...battery, ...state, ...rest })).toEqual({
      key: 'BAT0',
      row: {
        device: 'BAT0',
        vendor: 'B',
        model: 'X',
        serial: null,
        chemistry: 'Li-ion',
        designCapacityMwh: 57_000,
      },
    });
  });

  it('reads the time zone', async () => {
    const linked = layOut({ '/etc/localtime': { link: '../usr/share/zoneinfo/Europe/Vienna' } });
    expect(await rowsOf('timezone', contextOn(linked))).toEqual([{ name: 'Europe/Vienna' }]);
    expect(await rowsOf('timezone', contextOn(layOut()))).toEqual([{ name: 'UTC' }]);
  });
});

describe('network tables on Linux', () => {
  it('R020 read interfaces with the address of the hardware', async () => {
    const root = layOut({
      '/sys/devices/pci/net/wlp1s0/address': '02:11:22:33:44:55\n',
      '/sys/devices/pci/net/wlp1s0/type': '1\n',
      '/sys/devices/pci/net/wlp1s0/phy80211/macaddress': 'AA:BB:CC:00:00:01\n',
      '/sys/devices/virtual/net/docker0/address': '02:42:00:00:00:01\n',
      '/sys/devices/virtual/net/docker0/addr_assign_type': '1\n',
      '/sys/devices/virtual/net/docker0/bridge/x': '',
      '/sys/devices/virtual/net/veth1/address': '02:42:00:00:00:02\n',
      '/sys/class/net/wlp1s0': { link: '../../devices/pci/net/wlp1s0' },
      '/sys/class/net/docker0': { link: '../../devices/virtual/net/docker0' },
      '/sys/class/net/veth1': { link: '../../devices/virtual/net/veth1' },
    });
    expect(await rowsOf('interfaces', contextOn(root))).toEqual([
      { name: 'docker0', mac: null, type: 'bridge', virtual: true },
      { name: 'wlp1s0', mac: 'aa:bb:cc:00:00:01', type: 'wifi', virtual: false },
    ]);
    expect(await rowsOf('wifi', contextOn(root))).toMatchObject([
      { interface: 'wlp1s0', mac: 'aa:bb:cc:00:00:01' },
    ]);
  });

  it('R020 read the addresses that stay', () => {
    const address = (cidr: string) => ({
      address: cidr.split('/')[0] ?? '',
      netmask: '',
      mac: '',
      internal: false,
      cidr,
      family: 'IPv4' as const,
    });
    expect(
      ipv4Rows({ eth0: [address('192.0.2.2/24'), address('169.254.1.1/16')] }).map(({ key }) => key),
    ).toEqual(['eth0|192.0.2.2/24']);
    const lines = [
      '20010db8000000000000000000000002 02 40 00 80     eth0',
      '20010db8000000000000000000000099 02 40 00 01     eth0',
      'fe8000000000000000fc00fffe000001 02 40 20 80     eth0',
    ];
    expect(ipv6Rows(lines.join('\n')).map(({ key }) => key)).toEqual(['eth0|2001:db8::2/64']);
  });

  it('read unicast routes', () => {
    const v4 =
      'Iface\neth0\t00000000\t010200C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\neth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n';
    expect(ipv4Routes(v4).map(({ row }) => [row['destination'], row['gateway'], row['metric']])).toEqual([
      ['0.0.0.0/0', '192.0.2.1', 100],
      ['192.0.2.0/24', null, 0],
    ]);
    const zero = '0'.repeat(32);
    const v6 = [
      `${zero} 00 ${zero} 00 20010db8000000000000000000000001 00000400 2 0 00000003 eth0`,
      `${zero} 00 ${zero} 00 ${zero} ffffffff 1 0 00200200 lo`,
      `20010db8000000000000000000000002 80 ${zero} 00 ${zero} 0 3 0 80200001 eth0`,
      `ff${'0'.repeat(30)} 08 ${zero} 00 ${zero} 00000100 3 0 00000001 eth0`,
    ];
    expect(ipv6Routes(v6.join('\n')).map(({ row }) => [row['destination'], row['gateway']])).toEqual([
      ['::/0', '2001:db8::1'],
    ]);
  });

  it('read the resolvers behind the stub', async () => {
    const root = layOut({
      '/etc/resolv.conf': 'nameserver 127.0.0.53\n',
      '/run/systemd/resolve/resolv.conf': '# x\nnameserver 192.0.2.53\nsearch a.example b.example\n',
    });
    expect((await keyedRows('dns', contextOn(root))).map(({ key }) => key)).toEqual([
      'nameserver|192.0.2.53|\\0',
      'search|a.example|\\0',
      'search|b.example|\\0',
    ]);
  });
});
