import { BlockList, isIP, isIPv4 } from 'node:net';

/** Whether an IPv4 address lies in the network of `pattern` and `mask`, all in dotted form; `false` if one is not. */
export function isInNet(address: string, pattern: string, mask: string): boolean {
  const [host, network, bits] = [address, pattern, mask].map(quadToNumber);
  if (host === undefined || network === undefined || bits === undefined) return false;
  return (host & bits) === (network & bits);
}

/**
 * Whether an address of either family lies in `prefix/length`; `false` if one is not valid. Where the families differ,
 * IPv4 counts as mapped into IPv6 (RFC 4291, 2.5.5.2), as in Chromium.
 */
export function isInNetEx(address: string, prefix: string): boolean {
  const match = /^(?<network>[\d.:a-f]+)\/(?<bits>\d{1,3})$/i.exec(prefix);
  const network = match?.groups?.['network'] ?? '';
  const family = isIP(network);
  const bits = Number(match?.groups?.['bits']);
  if (family === 0 || isIP(address) === 0 || bits > (family === 4 ? 32 : 128)) return false;
  const list = new BlockList();
  if (family === 4) list.addSubnet(`::ffff:${network}`, bits + 96, 'ipv6');
  else list.addSubnet(network, bits, 'ipv6');
  return list.check(isIPv4(address) ? `::ffff:${address}` : address, 'ipv6');
}

/** A `;`-separated list sorted as Microsoft describes it: IPv6 first. `false` when one of them is not an address. */
export function sortIpAddressList(list: string): string | false {
  const addresses = list.split(';').map((address) => address.trim());
  if (addresses.some((address) => isIP(address) === 0)) return false;
  return addresses
    .map((address) => ({ address, key: sortKey(address) }))
    .sort((left, right) => (left.key < right.key ? -1 : left.key > right.key ? 1 : 0))
    .map(({ address }) => address)
    .join(';');
}

/** An IPv4 address in dotted form as an unsigned number, `undefined` for any other text. */
export function quadToNumber(text: string): number | undefined {
  if (!/^\d{1,3}(\.\d{1,3}){3}$/.test(text)) return undefined;
  const parts = text.split('.').map(Number);
  return parts.some((part) => part > 255) ? undefined : parts.reduce((sum, part) => sum * 256 + part, 0);
}

/** Text that sorts as the addresses do. */
function sortKey(address: string): string {
  if (isIPv4(address)) return `4${(quadToNumber(address) ?? 0).toString().padStart(10, '0')}`;
  const [head = '', tail] = (URL.parse(`http://[${address}]`)?.hostname ?? '').slice(1, -1).split('::');
  const groups = (text: string | undefined): string[] =>
    text === undefined || text === '' ? [] : text.split(':').map((group) => group.padStart(4, '0'));
  const [left, right] = [groups(head), groups(tail)];
  const middle = Array.from({ length: 8 - left.length - right.length }, () => '0000');
  return `0${[...left, ...middle, ...right].join('')}`;
}
