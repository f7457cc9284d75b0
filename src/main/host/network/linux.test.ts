import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { because, noLinux } from '../../../../test/support/reason.ts';
import { parseIpv4Routes, parseIpv6Routes, parseResolvConf, readLinuxRouting } from './linux.ts';

const HEADING = 'Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT';
const ipv4 = (...routes: string[]): string => `${[HEADING, ...routes].join('\n')}\n`;

describe('the IPv4 routes of Linux', () => {
  it('give the default routes with their gateways and no other', () => {
    const text = ipv4(
      'eth0\t00000000\t010200C0\t0003\t0\t0\t100\t00000000\t0\t0\t0   ',
      'wlan0\t00000000\tFE01A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0',
      'eth0\t000200C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0',
    );
    expect(parseIpv4Routes(text)).toEqual([
      { interface: 'eth0', gateway: '192.0.2.1' },
      { interface: 'wlan0', gateway: '192.168.1.254' },
    ]);
  });

  it('give a tunnel without gateway, and nothing for what is down, rejected or half of the world', () => {
    const text = ipv4(
      'tun0\t00000000\t00000000\t0001\t0\t0\t50\t00000000\t0\t0\t0',
      'eth0\t00000000\t010200C0\t0002\t0\t0\t0\t00000000\t0\t0\t0',
      '*\t00000000\t00000000\t0201\t0\t0\t0\t00000000\t0\t0\t0',
      'tun1\t00000000\t0100080A\t0003\t0\t0\t0\t00000080\t0\t0\t0',
    );
    expect(parseIpv4Routes(text)).toEqual([{ interface: 'tun0', gateway: null }]);
  });

  it('read every address back that the kernel could have written', () => {
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        const hex = Buffer.from(address.split('.').map(Number).reverse()).toString('hex').toUpperCase();
        const line = `eth0\t00000000\t${hex}\t0003\t0\t0\t0\t00000000\t0\t0\t0`;
        expect(parseIpv4Routes(ipv4(line))).toEqual([{ interface: 'eth0', gateway: address }]);
      }),
    );
  });
});

const ZERO = '0'.repeat(32);
const ipv6 = (destination: string, length: string, hop: string, flags: string, name: string): string =>
  `${destination} ${length} ${ZERO} 00 ${hop} 00000400 00000003 00000000 ${flags} ${name.padStart(8)}\n`;

describe('the IPv6 routes of Linux', () => {
  it('give the default routes with their gateways and no other', () => {
    const text =
      ipv6('20010db8000000000000000000000000', '40', ZERO, '00000001', 'eth0') +
      ipv6(ZERO, '00', 'fe800000000000000000000000000001', '00450003', 'wlan0') +
      ipv6(ZERO, '00', '20010db8000000000000000000000001', '00000003', 'eth0') +
      ipv6(ZERO, '00', ZERO, '00000001', 'wg0') +
      ipv6(ZERO, '60', '20010db8000000000000000000000001', '00000003', 'nat64');
    expect(parseIpv6Routes(text)).toEqual([
      { interface: 'wlan0', gateway: 'fe80::1' },
      { interface: 'eth0', gateway: '2001:db8::1' },
      { interface: 'wg0', gateway: null },
    ]);
  });

  it('leave out the refusal that stands for no route, and routes that hold for some senders only', () => {
    const someSenders = `${ZERO} 00 20010db8${'0'.repeat(24)} 20 ${ZERO} 00000400 0 0 00000003 eth0\n`;
    expect(parseIpv6Routes(ipv6(ZERO, '00', ZERO, '00200200', 'lo') + someSenders)).toEqual([]);
  });
});

describe('the files of Linux', () => {
  it('are passed over as far as they make no sense', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 300 }), (text) => {
        expect(parseIpv4Routes(text)).toEqual([]);
        expect(parseIpv6Routes(text)).toEqual([]);
        expect(Array.isArray(parseResolvConf(text))).toBe(true);
      }),
    );
  });

  it('give no gateway where its address is cut off', () => {
    expect(parseIpv4Routes(ipv4('eth0\t00000000\t0102\t0003\t0\t0\t0\t00000000'))).toEqual([
      { interface: 'eth0', gateway: null },
    ]);
    expect(parseIpv6Routes(ipv6(ZERO, '00', 'fe80', '00000003', 'eth0'))).toEqual([
      { interface: 'eth0', gateway: null },
    ]);
  });

  it.each([
    [
      'nameserver 192.0.2.1\nsearch corp.example.com example.com\noptions ndots:2\n',
      ['corp.example.com', 'example.com'],
    ],
    ['domain a.example\nsearch b.example\n', ['b.example']],
    ['search b.example\n  domain\ta.example\n', ['a.example']],
    ['# search commented.example\nnameserver 192.0.2.1\n', []],
    ['', []],
  ])('name the search domains of the last line that has some: %j', (text, domains) => {
    expect(parseResolvConf(text)).toEqual(domains);
  });
});

describe('what Linux says of its routes', () => {
  const root = mkdtempSync(join(tmpdir(), 'wf-routes-'));
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  afterEach(() => {
    rmSync(root, { recursive: true, force: true });
  });

  it('comes from both families and from both files of the resolver', async () => {
    write('proc/net/route', ipv4('eth0\t00000000\t010200C0\t0003\t0\t0\t100\t00000000\t0\t0\t0'));
    write('proc/net/ipv6_route', ipv6(ZERO, '00', 'fe800000000000000000000000000001', '00000003', 'eth0'));
    write('etc/resolv.conf', 'search a.example\n');
    write('run/systemd/resolve/resolv.conf', 'search b.example\n');
    expect(await readLinuxRouting(root)).toEqual({
      routes: [
        { interface: 'eth0', gateway: '192.0.2.1' },
        { interface: 'eth0', gateway: 'fe80::1' },
      ],
      searchDomains: ['a.example', 'b.example'],
    });
  });

  it('is empty where files are missing', async () => {
    expect(await readLinuxRouting(root)).toEqual({ routes: [], searchDomains: [] });
  });

  it('is read from the first whole lines of a table of any size', async () => {
    const many = Array.from(
      { length: 10_000 },
      () => 'eth0\t000200C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0',
    );
    const first = 'eth0\t00000000\t010200C0\t0003\t0\t0\t100\t00000000\t0\t0\t0';
    write(
      'proc/net/route',
      ipv4(first, ...many, 'eth9\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0'),
    );
    expect((await readLinuxRouting(root)).routes).toEqual([{ interface: 'eth0', gateway: '192.0.2.1' }]);
  });

  it.skipIf(noLinux !== undefined)(
    `names only interfaces that this host has${because(noLinux)}`,
    async () => {
      const { routes } = await readLinuxRouting();
      const known = Object.keys(networkInterfaces());
      for (const route of routes) expect(known).toContain(route.interface);
    },
  );
});
