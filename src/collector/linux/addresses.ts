import { networkInterfaces, type NetworkInterfaceInfo } from 'node:os';
import { readText } from '../files.ts';
import { joinKey } from '../key.ts';
import type { KeyedRow, ReadContext, Reader } from '../table.ts';
import { interfaces } from './net.ts';
import { formatIpv6 } from './sockets.ts';

/** Flags of addresses that pass (Linux, if_addr.h): temporary, failed, deprecated, tentative. */
const PASSING_FLAGS = 0x01 | 0x08 | 0x20 | 0x40;

/** Scopes of /proc/net/if_inet6 that last (Linux, ipv6.h); link-local ones change with every connection. */
const SCOPES: Readonly<Record<string, string>> = { '00': 'global', '10': 'host', '40': 'site' };

function addressRow(
  name: string,
  family: string,
  address: string,
  prefixLength: number,
  scope: string,
): KeyedRow {
  return {
    key: joinKey(name, `${address}/${prefixLength}`),
    row: { interface: name, family, address, prefixLength, scope },
  };
}

/** Rows of /proc/net/if_inet6 (address, index, prefix length, scope, flags in hexadecimal, name). */
export function ipv6Rows(text: string): KeyedRow[] {
  return text.split('\n').flatMap((line) => {
    const [hex = '', , prefix = '', scopeHex = '', flags = '', name = ''] = line.trim().split(/\s+/);
    const scope = SCOPES[scopeHex];
    if (!/^[0-9a-f]{32}$/.test(hex) || scope === undefined || (parseInt(flags, 16) & PASSING_FLAGS) !== 0)
      return [];
    const bytes = [...Buffer.from(hex, 'hex')];
    return [addressRow(name, 'ipv6', formatIpv6(bytes), parseInt(prefix, 16), scope)];
  });
}

/** Rows of IPv4 addresses; those of a host that found no server (RFC 3927) pass. */
export function ipv4Rows(
  all: Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>,
): KeyedRow[] {
  return Object.entries(all).flatMap(([name, addresses = []]) =>
    addresses
      .filter(({ family, address }) => family === 'IPv4' && !address.startsWith('169.254.'))
      .map(({ address, cidr, internal }) => {
        const prefix = Number(cidr?.split('/')[1] ?? 32);
        return addressRow(name, 'ipv4', address, prefix, internal ? 'host' : 'global');
      }),
  );
}

function* readAddresses(context: ReadContext): Generator<KeyedRow> {
  const lasting = new Set(interfaces(context).map(({ name }) => name));
  const ipv4 = context.root === '/' ? ipv4Rows(networkInterfaces()) : [];
  for (const row of [...ipv4, ...ipv6Rows(readText(context, '/proc/net/if_inet6') ?? '')]) {
    if (lasting.has(String(row.row['interface']))) yield row;
  }
}

export const addressesLinux: Reader = {
  source: 'getifaddrs(3), /proc/net/if_inet6',
  root: 'no',
  read: readAddresses,
};
