import { readText } from '../files.ts';
import { joinKey } from '../key.ts';
import type { KeyedRow, ReadContext, Reader } from '../table.ts';
import { formatAddress, formatIpv6 } from './sockets.ts';

/** Flags of routes (Linux, route.h, ipv6_route.h). */
const UP = 0x1;
const REJECT = 0x200;
const CACHE = 0x1000000;
const LOCAL = 0x80000000;

function routeRow(route: {
  family: 'ipv4' | 'ipv6';
  destination: string;
  gateway: string | null;
  interface: string;
  metric: number;
}): KeyedRow {
  return {
    key: joinKey(route.destination, route.gateway, route.interface, route.metric),
    row: { ...route },
  };
}

/** Ones in a network mask as /proc writes it. */
const maskLength = (hex: string): number => parseInt(hex, 16).toString(2).replaceAll('0', '').length;

/** Rows of /proc/net/route. */
export function ipv4Routes(text: string): KeyedRow[] {
  return text
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const fields = line.trim().split(/\s+/);
      const [name = '', destination = '', gateway = '', flags = '', , , metric = '', mask = ''] = fields;
      const network = formatAddress(destination);
      const via = formatAddress(gateway);
      if (network === undefined || via === undefined || (parseInt(flags, 16) & (UP | REJECT)) !== UP)
        return [];
      return [
        routeRow({
          family: 'ipv4',
          destination: `${network}/${maskLength(mask)}`,
          gateway: via === '0.0.0.0' ? null : via,
          interface: name,
          metric: Number(metric),
        }),
      ];
    });
}

/** Rows of /proc/net/ipv6_route: no multicast, link-local, host or cached routes. */
export function ipv6Routes(text: string): KeyedRow[] {
  return text.split('\n').flatMap((line) => {
    const fields = line.trim().split(/\s+/);
    const [network = '', length = '', , , gateway = '', metric = '', , , flagsHex = '', name = ''] = fields;
    const flags = parseInt(flagsHex, 16);
    // Arithmetic instead of bit operators: the highest flag would be the sign.
    const unwanted = flags >= LOCAL || (flags & (REJECT | CACHE)) !== 0 || (flags & UP) === 0;
    if (!/^[0-9a-f]{32}$/.test(network) || unwanted || name === 'lo' || /^f(?:f|e[89ab])/.test(network))
      return [];
    const via = formatIpv6([...Buffer.from(gateway, 'hex')]);
    return [
      routeRow({
        family: 'ipv6',
        destination: `${formatIpv6([...Buffer.from(network, 'hex')])}/${parseInt(length, 16)}`,
        gateway: via === '::' ? null : via,
        interface: name,
        metric: parseInt(metric, 16),
      }),
    ];
  });
}

/** Routes to networks of containers' own interfaces pass with them. */
const PASSING = /^(?:veth|cali|lxc|tap|vnet)/;

function* readRoutes(context: ReadContext): Generator<KeyedRow> {
  const seen = new Set<string>();
  const all = [
    ...ipv4Routes(readText(context, '/proc/net/route') ?? ''),
    ...ipv6Routes(readText(context, '/proc/net/ipv6_route') ?? ''),
  ];
  for (const row of all) {
    if (seen.has(row.key) || PASSING.test(String(row.row['interface']))) continue;
    seen.add(row.key);
    yield row;
  }
}

export const routesLinux: Reader = {
  source: '/proc/net/route, /proc/net/ipv6_route',
  root: 'no',
  read: readRoutes,
};
