import { z } from 'zod';
import { joinKey } from '../key.ts';
import type { KeyedRow, Reader } from '../table.ts';
import { flag, int, macOf, text, texts } from './fields.ts';
import { cim, readSection, type Batch } from './powershell.ts';
import { sectionReader } from './reader.ts';

/**
 * Adapters, addresses, routes and resolvers.
 * Formats: MSFT_NetAdapter, MSFT_NetIPAddress, MSFT_NetRoute, MSFT_DNSClientServerAddress,
 * MSFT_DNSClientGlobalSetting of root/StandardCimv2 (Microsoft network CIM providers reference).
 */
const namespace = 'root/StandardCimv2';

const ADAPTER = cim({
  name: 'adapter',
  namespace,
  className: 'MSFT_NetAdapter',
  shape: z.object({
    Name: text,
    InterfaceDescription: text,
    PermanentAddress: text,
    InterfaceType: int,
    NdisPhysicalMedium: int,
    Hidden: flag,
    Virtual: flag,
    DriverProvider: text,
    DriverName: text,
  }),
});

const ADDRESS = cim({
  name: 'address',
  namespace,
  className: 'MSFT_NetIPAddress',
  shape: z.object({
    InterfaceAlias: text,
    IPAddress: text,
    AddressFamily: int,
    PrefixLength: int,
    SuffixOrigin: int,
    Store: int,
  }),
});

const ROUTE = cim({
  name: 'route',
  namespace,
  className: 'MSFT_NetRoute',
  shape: z.object({
    InterfaceAlias: text,
    DestinationPrefix: text,
    NextHop: text,
    RouteMetric: int,
    AddressFamily: int,
    Store: int,
  }),
});

const SERVERS = cim({
  name: 'servers',
  namespace,
  className: 'MSFT_DNSClientServerAddress',
  shape: z.object({ InterfaceAlias: text, ServerAddresses: texts }),
});

const SUFFIXES = cim({
  name: 'suffixes',
  namespace,
  className: 'MSFT_DNSClientGlobalSetting',
  shape: z.object({ SuffixSearchList: texts }),
});

export const NETWORK_BATCH: Batch = [ADAPTER, ADDRESS, ROUTE, SERVERS, SUFFIXES];

/** ifType numbers of IANA. */
const TYPES = new Map([
  [6, 'ethernet'],
  [24, 'loopback'],
  [71, 'wifi'],
  [131, 'tunnel'],
  [135, 'vlan'],
  [209, 'bridge'],
]);
const WIFI = 71;
const NATIVE_802_11 = 9;

type Adapter = z.output<typeof ADAPTER.shape>;
const isWifi = ({ InterfaceType, NdisPhysicalMedium }: Adapter): boolean =>
  InterfaceType === WIFI || NdisPhysicalMedium === NATIVE_802_11;

export const interfaces: Reader = sectionReader({
  source: 'MSFT_NetAdapter',
  root: 'no',
  batch: NETWORK_BATCH,
  section: ADAPTER,
  *rows(adapters) {
    for (const adapter of adapters) {
      if (adapter.Name === null || adapter.Hidden === true) continue;
      const row = {
        name: adapter.Name,
        mac: macOf(adapter.PermanentAddress),
        type: isWifi(adapter) ? 'wifi' : (TYPES.get(adapter.InterfaceType ?? -1) ?? 'other'),
        virtual: adapter.Virtual,
      };
      yield { key: adapter.Name, row };
    }
  },
});

export const wifi: Reader = sectionReader({
  source: 'MSFT_NetAdapter',
  root: 'no',
  batch: NETWORK_BATCH,
  section: ADAPTER,
  *rows(adapters) {
    for (const adapter of adapters) {
      if (adapter.Name === null || adapter.Hidden === true || adapter.Virtual === true || !isWifi(adapter))
        continue;
      const row = {
        interface: adapter.Name,
        vendor: adapter.DriverProvider,
        model: adapter.InterfaceDescription,
        mac: macOf(adapter.PermanentAddress),
        driver: adapter.DriverName,
      };
      yield { key: adapter.Name, row };
    }
  },
});

const FAMILIES = new Map([
  [2, 'ipv4'],
  [23, 'ipv6'],
]);

/** Privacy addresses (RFC 8981) have a random suffix and change every day. */
const RANDOM_SUFFIX = 5;
/** 0 is the persistent store: the same facts a second time. */
const ACTIVE_STORE = 1;

function scopeOf(address: string): string {
  if (address === '::1' || address.startsWith('127.')) return 'host';
  return /^(169\.254\.|fe[89ab])/i.test(address) ? 'link' : 'global';
}

export const addresses: Reader = sectionReader({
  source: 'MSFT_NetIPAddress',
  root: 'no',
  batch: NETWORK_BATCH,
  section: ADDRESS,
  *rows(found) {
    for (const { InterfaceAlias, IPAddress, AddressFamily, PrefixLength, SuffixOrigin, Store } of found) {
      if (InterfaceAlias === null || IPAddress === null || PrefixLength === null) continue;
      if (SuffixOrigin === RANDOM_SUFFIX || (Store !== null && Store !== ACTIVE_STORE)) continue;
      const address = IPAddress.replace(/%.*$/, '');
      const row = {
        interface: InterfaceAlias,
        family: FAMILIES.get(AddressFamily ?? -1) ?? null,
        address,
        prefixLength: PrefixLength,
        scope: scopeOf(address),
      };
      yield { key: joinKey(InterfaceAlias, `${address}/${String(PrefixLength)}`), row };
    }
  },
});

/** Multicast and broadcast routes, and those to the own addresses, which come and go with them. */
const NOT_A_ROUTE = /^(22[4-9]\.|23\d\.|255\.255\.255\.255\/|127\.|ff00:|::1\/)/i;
const HOST_ROUTE = /^([\d.]+\/32|[\da-f:.]+\/128)$/i;
const ON_LINK = new Set(['0.0.0.0', '::']);

export const routes: Reader = sectionReader({
  source: 'MSFT_NetRoute',
  root: 'no',
  batch: NETWORK_BATCH,
  section: ROUTE,
  *rows(found) {
    for (const { InterfaceAlias, DestinationPrefix, NextHop, RouteMetric, AddressFamily, Store } of found) {
      if (InterfaceAlias === null || DestinationPrefix === null || NOT_A_ROUTE.test(DestinationPrefix))
        continue;
      if (Store !== null && Store !== ACTIVE_STORE) continue;
      const gateway = NextHop === null || ON_LINK.has(NextHop) ? null : NextHop.replace(/%.*$/, '');
      if (gateway === null && HOST_ROUTE.test(DestinationPrefix)) continue;
      const row = {
        family: FAMILIES.get(AddressFamily ?? -1) ?? null,
        destination: DestinationPrefix,
        gateway,
        interface: InterfaceAlias,
        metric: RouteMetric,
      };
      yield { key: joinKey(DestinationPrefix, gateway, InterfaceAlias), row };
    }
  },
});

export const dns: Reader = {
  source: 'MSFT_DNSClientServerAddress, MSFT_DNSClientGlobalSetting',
  root: 'no',
  async *read(context): AsyncGenerator<KeyedRow> {
    for (const { InterfaceAlias, ServerAddresses } of await readSection(context, NETWORK_BATCH, SERVERS)) {
      for (const value of ServerAddresses) {
        const key = joinKey('nameserver', value, InterfaceAlias);
        yield { key, row: { kind: 'nameserver', value, interface: InterfaceAlias } };
      }
    }
    for (const { SuffixSearchList } of await readSection(context, NETWORK_BATCH, SUFFIXES)) {
      for (const value of SuffixSearchList) {
        yield { key: joinKey('search', value, null), row: { kind: 'search', value, interface: null } };
      }
    }
  },
};
