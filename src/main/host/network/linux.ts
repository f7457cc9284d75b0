import { open, type FileHandle } from 'node:fs/promises';
import { SocketAddress } from 'node:net';
import { join } from 'node:path';
import type { DefaultRoute, HostRouting } from './state.ts';

/** Flags of a route (linux/route.h). */
const RTF_UP = 0x1;
const RTF_GATEWAY = 0x2;
const RTF_REJECT = 0x200;

/**
 * Default routes of `/proc/net/route` (proc(5)): a heading, then one route per line with destination, gateway and mask
 * as hexadecimal numbers in the byte order of the machine; every machine that we run on is little-endian.
 */
export function parseIpv4Routes(text: string): DefaultRoute[] {
  return text
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const [name = '', destination, gateway = '', flagsText = '', , , , mask] = line.trim().split(/\s+/);
      const flags = Number.parseInt(flagsText, 16);
      if (destination !== '00000000' || mask !== '00000000' || !leads(flags)) return [];
      return [{ interface: name, gateway: flags & RTF_GATEWAY ? ipv4Of(gateway) : null }];
    });
}

/**
 * Default routes of `/proc/net/ipv6_route`, a line each: destination, its prefix length, source, its prefix length,
 * next hop, metric, reference count, use, flags and interface (Linux, net/ipv6/route.c). No heading.
 */
export function parseIpv6Routes(text: string): DefaultRoute[] {
  return text.split('\n').flatMap((line) => {
    const [destination, length, source, sourceLength, hop = '', , , , flagsText = '', name = ''] = line
      .trim()
      .split(/\s+/);
    const flags = Number.parseInt(flagsText, 16);
    const everything = [destination, source].every((address) => /^0{32}$/.test(address ?? ''));
    if (!everything || length !== '00' || sourceLength !== '00' || !leads(flags)) return [];
    return [{ interface: name, gateway: flags & RTF_GATEWAY ? ipv6Of(hop) : null }];
  });
}

/** Search domains of a resolver's file: of `search` and `domain` the last line holds (resolv.conf(5)). */
export function parseResolvConf(text: string): string[] {
  const lines = text.split('\n').map((line) => line.trim().split(/\s+/));
  const last = lines.findLast(([keyword]) => keyword === 'search' || keyword === 'domain');
  return last?.slice(1) ?? [];
}

/** Where the host keeps its resolver's search domains; systemd-resolved's own holds the ones of all links. */
export const RESOLVER_FILES: readonly string[] = ['/etc/resolv.conf', '/run/systemd/resolve/resolv.conf'];

/** Reads the files above under `root`. What is missing or can't be read is empty. */
export async function readLinuxRouting(root = '/'): Promise<HostRouting> {
  const at = (path: string): Promise<string> => head(join(root, path));
  const [ipv4, ipv6, ...resolvers] = await Promise.all([
    at('/proc/net/route'),
    at('/proc/net/ipv6_route'),
    ...RESOLVER_FILES.map(at),
  ]);
  return {
    routes: [...parseIpv4Routes(ipv4), ...parseIpv6Routes(ipv6)],
    searchDomains: resolvers.flatMap(parseResolvConf),
  };
}

/** Read of a file, bytes: a router with a full table has more, but its default route stands first. */
const MAX_BYTES = 256 * 1024;

/** The first whole lines of a file, `''` where there is none. Files of /proc have no size to ask for first. */
async function head(path: string): Promise<string> {
  try {
    const file = await open(path, 'r');
    try {
      return await firstLines(file);
    } finally {
      await file.close();
    }
  } catch {
    return '';
  }
}

async function firstLines(file: FileHandle): Promise<string> {
  const buffer = Buffer.alloc(MAX_BYTES);
  let length = 0;
  while (length < MAX_BYTES) {
    const { bytesRead } = await file.read(buffer, length, MAX_BYTES - length);
    if (bytesRead === 0) return buffer.toString('latin1', 0, length);
    length += bytesRead;
  }
  return buffer.toString('latin1', 0, buffer.lastIndexOf(0x0a) + 1);
}

const leads = (flags: number): boolean => (flags & RTF_UP) !== 0 && (flags & RTF_REJECT) === 0;

function ipv4Of(hex: string): string | null {
  if (!/^[0-9a-f]{8}$/i.test(hex)) return null;
  return [...Buffer.from(hex, 'hex')].reverse().join('.');
}

function ipv6Of(hex: string): string | null {
  if (!/^[0-9a-f]{32}$/i.test(hex)) return null;
  const address = hex.replace(/(.{4})(?=.)/g, '$1:');
  return new SocketAddress({ address, family: 'ipv6' }).address;
}
