import { endianness } from 'node:os';

/** A local socket of /proc/net. */
export interface LocalSocket {
  readonly address: string;
  readonly port: number;
  readonly uid: number;
  readonly inode: string;
}

/** States that listen, in hexadecimal (Linux, net/tcp_states.h): LISTEN for TCP, CLOSE for an unconnected UDP socket. */
const LISTENS = { tcp: '0A', udp: '07' } as const;

/** Bytes of an address of /proc/net: 32-bit words, each in the byte order of the host. */
function addressBytes(hex: string): number[] {
  const bytes = (hex.match(/../g) ?? []).map((byte) => parseInt(byte, 16));
  if (endianness() === 'BE') return bytes;
  return bytes.map((_, index) => bytes[(index & ~3) + 3 - (index & 3)] ?? 0);
}

/** An IPv6 address of 16 bytes in the form of RFC 5952. */
export function formatIpv6(bytes: readonly number[]): string {
  const groups = Array.from({ length: 8 }, (_, index) =>
    (((bytes[2 * index] ?? 0) << 8) | (bytes[2 * index + 1] ?? 0)).toString(16),
  );
  // The URL parser shortens an address as the RFC says (WHATWG URL, "IPv6 serializer").
  return new URL(`http://[${groups.join(':')}]/`).hostname.slice(1, -1);
}

/** An address of /proc/net/{tcp,udp}[6] or `undefined` for one of another length. */
export function formatAddress(hex: string): string | undefined {
  if (!/^(?:[0-9A-Fa-f]{8}|[0-9A-Fa-f]{32})$/.test(hex)) return undefined;
  const bytes = addressBytes(hex);
  return bytes.length === 4 ? bytes.join('.') : formatIpv6(bytes);
}

/** The listening sockets in a file of /proc/net/{tcp,tcp6,udp,udp6} (proc(5)). */
export function listeningSockets(text: string, protocol: 'tcp' | 'udp'): LocalSocket[] {
  return text
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const [, local = '', , state, , , , uid = '', , inode = ''] = line.trim().split(/\s+/);
      const [hexAddress = '', hexPort = ''] = local.split(':');
      const address = formatAddress(hexAddress);
      if (state !== LISTENS[protocol] || address === undefined) return [];
      return [{ address, port: parseInt(hexPort, 16), uid: Number(uid), inode }];
    });
}
