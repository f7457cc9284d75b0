import { joinKey } from '../key.ts';
import type { KeyedRow, Reader } from '../table.ts';
import { textOf } from './commands.ts';
import { dict, flagAt, list, readPlist, textAt, type PlistValue } from './plist-file.ts';

/**
 * Interfaces, addresses, routes and resolvers.
 * Formats: NetworkInterfaces.plist (SystemConfiguration: SCNetworkInterfaceType, BSD Name, IOMACAddress), ifconfig(8)
 * with -L off, netstat(1) -rn, scutil(8) --dns.
 */
const INTERFACES = '/Library/Preferences/SystemConfiguration/NetworkInterfaces.plist';

const TYPES = new Map([
  ['Ethernet', 'ethernet'],
  ['IEEE80211', 'wifi'],
  ['Bridge', 'bridge'],
  ['Bond', 'bond'],
  ['VLAN', 'vlan'],
]);

const macOf = (value: PlistValue | undefined): string | null =>
  value instanceof Uint8Array && value.length === 6
    ? [...value].map((byte) => byte.toString(16).padStart(2, '0')).join(':')
    : null;

interface Adapter {
  readonly name: string;
  readonly mac: string | null;
  readonly type: string;
  readonly label: string | null;
}

/** Hardware interfaces that are there; the file also remembers those that were. */
function adaptersOf(plist: PlistValue | undefined): Adapter[] {
  return list(dict(plist).get('Interfaces')).flatMap((entry) => {
    const name = textAt(entry, 'BSD Name');
    if (name === null || flagAt(entry, 'Active') === false) return [];
    const type = TYPES.get(textAt(entry, 'SCNetworkInterfaceType') ?? '') ?? 'other';
    const label = textAt(dict(entry).get('SCNetworkInterfaceInfo'), 'UserDefinedName');
    return [{ name, mac: macOf(dict(entry).get('IOMACAddress')), type, label }];
  });
}

export const interfaces: Reader = {
  source: 'NetworkInterfaces.plist',
  root: 'no',
  async *read(context) {
    for (const { name, mac, type } of adaptersOf(await readPlist(context, INTERFACES))) {
      yield { key: name, row: { name, mac, type, virtual: false } };
    }
  },
};

export const wifi: Reader = {
  source: 'NetworkInterfaces.plist',
  root: 'no',
  async *read(context) {
    for (const { name, mac, type, label } of adaptersOf(await readPlist(context, INTERFACES))) {
      if (type !== 'wifi') continue;
      yield { key: name, row: { interface: name, vendor: 'Apple', model: label, mac, driver: null } };
    }
  },
};

interface Address {
  readonly interface: string;
  readonly family: 'ipv4' | 'ipv6';
  readonly address: string;
  readonly prefixLength: number;
  readonly scope: string;
}

function scopeOf(address: string): string {
  if (address === '::1' || address.startsWith('127.')) return 'host';
  return /^(169\.254\.|fe[89ab])/i.test(address) ? 'link' : 'global';
}

/** Bits of a netmask written `0xffffff00`. */
const maskBits = (mask: string): number => Number(mask).toString(2).replaceAll('0', '').length;

/** Addresses in the output of ifconfig; temporary ones (RFC 8981) and tentative ones are passed over. */
export function parseIfconfig(output: string): Address[] {
  const found: Address[] = [];
  let current = '';
  for (const line of output.split('\n')) {
    current = /^([^\s:]+): flags=/.exec(line)?.[1] ?? current;
    const v4 = /^\s+inet (\S+)(?: --> \S+)? netmask (0x[0-9a-f]{8})/.exec(line);
    const v6 = /^\s+inet6 ([0-9a-f:.]+)(?:%\S+)?(?: --> \S+)? prefixlen (\d+)(.*)$/i.exec(line);
    if (v4 !== null) {
      const [, address = '', mask = ''] = v4;
      const prefixLength = maskBits(mask);
      found.push({ interface: current, family: 'ipv4', address, prefixLength, scope: scopeOf(address) });
    }
    if (v6 !== null && !/\b(temporary|tentative|duplicated|deprecated)\b/.test(v6[3] ?? '')) {
      const [, address = '', prefix = ''] = v6;
      found.push({
        interface: current,
        family: 'ipv6',
        address,
        prefixLength: Number(prefix),
        scope: scopeOf(address),
      });
    }
  }
  return found;
}

/** Interfaces that the system makes and drops by itself, with a new address each time. */
const FLEETING = /^(utun|awdl|llw|anpi|ipsec)\d+$/;

export const addresses: Reader = {
  source: 'ifconfig',
  root: 'no',
  async *read(context): AsyncGenerator<KeyedRow> {
    for (const found of parseIfconfig(await textOf(context, 'ifconfig', '-a'))) {
      if (FLEETING.test(found.interface) && found.scope === 'link') continue;
      const key = joinKey(found.interface, `${found.address}/${String(found.prefixLength)}`);
      yield { key, row: { ...found } };
    }
  },
};

interface Route {
  readonly family: 'ipv4' | 'ipv6';
  readonly destination: string;
  readonly gateway: string | null;
  readonly interface: string;
}

/** netstat leaves trailing zero octets away, and the prefix length where the class of the address gives it. */
function network(destination: string, family: 'ipv4' | 'ipv6'): string {
  const bare = destination.replace(/%[^/]*/, '');
  if (bare === 'default') return family === 'ipv4' ? '0.0.0.0/0' : '::/0';
  if (family === 'ipv6') return bare.includes('/') ? bare : `${bare}/128`;
  const [address = '', prefix] = bare.split('/');
  const octets = address.split('.');
  const full = [...octets, '0', '0', '0'].slice(0, 4).join('.');
  return `${full}/${prefix ?? String(octets.length * 8)}`;
}

const NOT_A_ROUTE = /^(127|22[4-9]|23\d|255\.255\.255\.255|ff[0-9a-f]{2}:)/i;

/**
 * Routes in the output of `netstat -rn`. Kept are those that were set (flag S) or lead to a gateway (G); left out are cloned and
 * link-layer entries (W, L, c), multicast (m), broadcast (b), rejected ones (R, B), and those that expire.
 */
export function parseRoutes(output: string): Route[] {
  const routes: Route[] = [];
  let family: 'ipv4' | 'ipv6' = 'ipv4';
  for (const line of output.split('\n')) {
    if (line.startsWith('Internet')) family = line.startsWith('Internet6') ? 'ipv6' : 'ipv4';
    const [destination = '', gateway = '', flags = '', device = '', expire] = line.trim().split(/\s+/);
    if (!flags.startsWith('U') || !/[SG]/.test(flags) || /[WLmbRB]/.test(flags) || device === '') continue;
    if (expire !== undefined && expire !== '!') continue;
    if (NOT_A_ROUTE.test(destination)) continue;
    const via = flags.includes('G') ? gateway.replace(/%.*$/, '') : null;
    routes.push({ family, destination: network(destination, family), gateway: via, interface: device });
  }
  return routes;
}

export const routes: Reader = {
  source: 'netstat -rn',
  root: 'no',
  async *read(context): AsyncGenerator<KeyedRow> {
    const seen = new Set<string>();
    for (const route of parseRoutes(await textOf(context, 'netstat', '-rn'))) {
      const key = joinKey(route.destination, route.gateway, route.interface);
      if (seen.has(key) || FLEETING.test(route.interface)) continue;
      seen.add(key);
      yield { key, row: { ...route, metric: null } };
    }
  },
};

/** Resolvers in the output of `scutil --dns`; the scoped part at its end says the same per interface. */
export function parseDns(output: string): { kind: string; value: string; interface: string | null }[] {
  const general = output.split(/^DNS configuration \(for scoped queries\)/m)[0] ?? '';
  return general.split(/^resolver #\d+$/m).flatMap((resolver) => {
    if (/^\s+options\s*:\s*mdns/m.test(resolver)) return [];
    const device = /^\s+if_index\s*:\s*\d+ \((\S+)\)/m.exec(resolver)?.[1] ?? null;
    const entries = [...resolver.matchAll(/^\s+(nameserver|search domain)\[\d+\]\s*:\s*(\S+)$/gm)];
    return entries.map(([, kind, value = '']) =>
      kind === 'nameserver' ? { kind, value, interface: device } : { kind: 'search', value, interface: null },
    );
  });
}

export const dns: Reader = {
  source: 'scutil --dns',
  root: 'no',
  async *read(context): AsyncGenerator<KeyedRow> {
    const seen = new Set<string>();
    for (const entry of parseDns(await textOf(context, 'scutil', '--dns'))) {
      const key = joinKey(entry.kind, entry.value, entry.interface);
      if (seen.has(key)) continue;
      seen.add(key);
      yield { key, row: entry };
    }
  },
};
