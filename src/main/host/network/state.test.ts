import type { NetworkInterfaceInfo } from 'node:os';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assembleState, sameState, type HostRouting, type Interfaces } from './state.ts';
import { onNetwork } from './testing/states.ts';

const info = (cidr: string, internal = false): NetworkInterfaceInfo => {
  const address = cidr.replace(/\/.*$/, '');
  const common = { address, cidr, internal, mac: '02:00:00:00:00:01', netmask: '' };
  return address.includes(':') ? { ...common, family: 'IPv6', scopeid: 0 } : { ...common, family: 'IPv4' };
};

const routing = (changes: Partial<HostRouting> = {}): HostRouting => ({
  routes: [],
  searchDomains: [],
  ...changes,
});

const addressesOf = (interfaces: Interfaces, known = routing()): string[] =>
  assembleState(interfaces, known, 'unknown').addresses.map((address) => address.address);

describe('the state of the networks', () => {
  it('holds addresses with interface, family and prefix', () => {
    const { addresses, online } = assembleState(
      { eth0: [info('2001:db8::5/64'), info('192.0.2.5/23')] },
      routing(),
      'unknown',
    );
    expect(online).toBe(true);
    expect(addresses).toEqual([
      { interface: 'eth0', address: '192.0.2.5', family: 'IPv4', prefix: 23 },
      { interface: 'eth0', address: '2001:db8::5', family: 'IPv6', prefix: 64 },
    ]);
  });

  it('is off-line with nothing but loopback and link-local addresses', () => {
    const interfaces = {
      lo: [info('127.0.0.1/8', true), info('::1/128', true)],
      wlan0: [info('169.254.7.7/16'), info('fe80::1/64'), info('febf::1/64')],
    };
    const state = assembleState(interfaces, routing(), 'unknown');
    expect(state.addresses).toEqual([]);
    expect(state.online).toBe(false);
  });

  it.each(['veth1a2b3c', 'docker0', 'br-0123456789ab', 'virbr0', 'cali12345', 'vEthernet (WSL)'])(
    'leaves out %s unless it carries a default route',
    (name) => {
      const interfaces = { [name]: [info('172.17.0.1/16')], eth0: [info('192.0.2.5/24')] };
      expect(addressesOf(interfaces)).toEqual(['192.0.2.5']);
      const routes = [{ interface: name, gateway: null }];
      expect(addressesOf(interfaces, routing({ routes }))).toContain('172.17.0.1');
    },
  );

  it.each(['wg0', 'tun0', 'br0', 'br-lan', 'wlp2s0', 'vlan7'])(
    'counts %s without a default route',
    (name) => {
      expect(addressesOf({ [name]: [info('10.8.0.2/24')] })).toEqual(['10.8.0.2']);
    },
  );

  it('lists each gateway once, and none for a tunnel that is the way itself', () => {
    const routes = [
      { interface: 'wlan0', gateway: '192.0.2.1' },
      { interface: 'eth0', gateway: '10.0.0.1' },
      { interface: 'eth1', gateway: '192.0.2.1' },
      { interface: 'tun0', gateway: null },
    ];
    expect(assembleState({}, routing({ routes }), false).gateways).toEqual(['10.0.0.1', '192.0.2.1']);
  });

  it('cleans search domains and keeps their order', () => {
    const searchDomains = [
      'Corp.Example.com.',
      '.',
      'lan',
      '',
      'corp.example.com',
      'a..b',
      'x'.repeat(64),
      '~bad',
    ];
    const { dnsSuffixes } = assembleState({}, routing({ searchDomains }), false);
    expect(dnsSuffixes).toEqual(['corp.example.com', 'lan']);
  });

  it('stays within its bounds however much the host lists', () => {
    const many = Array.from({ length: 3000 }, (_, i) => info(`10.${String(i >> 8)}.${String(i & 255)}.1/24`));
    const searchDomains = Array.from({ length: 100 }, (_, i) => `d${String(i)}.example`);
    const state = assembleState({ eth0: many }, routing({ searchDomains }), false);
    expect(state.addresses).toHaveLength(1024);
    expect(state.dnsSuffixes).toHaveLength(32);
  });

  it('is the same in whatever order the host lists its interfaces', () => {
    const parts: [string, NetworkInterfaceInfo[]][] = [
      ['eth0', [info('192.0.2.5/24')]],
      ['eth1', [info('198.51.100.5/24'), info('2001:db8::1/64')]],
      ['wlan0', [info('203.0.113.5/24')]],
      ['Ä', [info('203.0.113.6/24')]],
    ];
    const sorted = assembleState(Object.fromEntries(parts), routing(), false);
    fc.assert(
      fc.property(fc.shuffledSubarray(parts, { minLength: parts.length }), (shuffled) => {
        expect(assembleState(Object.fromEntries(shuffled), routing(), false)).toEqual(sorted);
      }),
    );
  });
});

describe('the comparison of two states', () => {
  const office = onNetwork('192.0.2.5');

  it.each([
    ['an address', onNetwork('192.0.2.6')],
    ['a prefix', { ...office, addresses: [{ ...office.addresses[0]!, prefix: 25 }] }],
    ['the interface', { ...office, addresses: [{ ...office.addresses[0]!, interface: 'eth1' }] }],
    ['a gateway', { ...office, gateways: ['192.0.2.254'] }],
    ['a search domain', { ...office, dnsSuffixes: ['example.com'] }],
    ['metering', { ...office, metered: true }],
  ])('sees a change of %s', (_, other) => {
    expect(sameState(office, other)).toBe(false);
  });

  it('takes an unmetered network for one of which nothing is known', () => {
    expect(sameState(onNetwork('192.0.2.5', { metered: false }), office)).toBe(true);
  });
});
