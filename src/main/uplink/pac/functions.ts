import { isIP, isIPv4 } from 'node:net';
import { isInNet, isInNetEx, quadToNumber, sortIpAddressList } from './addresses.ts';
import { dateRange, timeRange, weekdayRange } from './dates.ts';

/** What the network says, as a script may ask it. Every function may throw to have the script run again later. */
export interface Names {
  /** The first IPv4 address of a name. */
  readonly ipv4: (name: string) => string | undefined;
  /** All addresses of a name, of both families. */
  readonly all: (name: string) => readonly string[];
  /** Addresses of this host; first the one that faces the outside. */
  readonly own: () => readonly string[];
}

/** A function of proxy scripts. Arguments come as text; absent ones are empty. */
export type PacFunction = (...args: readonly string[]) => boolean | number | string | null;

/** A host that may stand in a name lookup; what is longer than a name may be needs no asking (RFC 1035). */
const MAX_NAME = 255;

/**
 * The functions that a proxy script finds, by name, with the behaviour of Chromium's: those of Netscape, and the ones of
 * Microsoft for IPv6. `shExpMatch` is missing: it runs inside the script engine, which stops an expression that
 * explodes (`shellExpression`).
 */
export function pacFunctions(names: Names, now: number): Readonly<Record<string, PacFunction>> {
  const ipv4 = (host: string): string | undefined => {
    if (isIP(host) !== 0) return isIPv4(host) ? host : undefined;
    return isName(host) ? names.ipv4(host) : undefined;
  };
  const all = (host: string): readonly string[] => {
    if (isIP(host) !== 0) return [host];
    return isName(host) ? names.all(host) : [];
  };
  return {
    alert: () => null,
    convert_addr: (address = '') => (quadToNumber(address) ?? 0) | 0,
    dateRange: (...args) => dateRange(args, now),
    dnsDomainIs: (host = '', domain = '') => host.endsWith(domain),
    dnsDomainLevels: (host = '') => host.split('.').length - 1,
    dnsResolve: (host = '') => ipv4(host) ?? null,
    dnsResolveEx: (host = '') => all(host).join(';'),
    isInNet: (host = '', pattern = '', mask = '') =>
      quadToNumber(pattern) !== undefined &&
      quadToNumber(mask) !== undefined &&
      isInNet(quadToNumber(host) === undefined ? (ipv4(host) ?? '') : host, pattern, mask),
    isInNetEx: (address = '', prefix = '') => isInNetEx(address, prefix),
    isPlainHostName: (host = '') => !host.includes('.') && isIP(host) === 0,
    isResolvable: (host = '') => ipv4(host) !== undefined,
    isResolvableEx: (host = '') => all(host).length > 0,
    localHostOrDomainIs: (host = '', full = '') => host === full || full.startsWith(`${host}.`),
    myIpAddress: () => names.own()[0] ?? '127.0.0.1',
    myIpAddressEx: () => names.own().join(';'),
    sortIpAddressList: (list = '') => sortIpAddressList(list),
    timeRange: (...args) => timeRange(args, now),
    weekdayRange: (...args) => weekdayRange(args, now),
  };
}

/**
 * A shell expression as the source of a regular expression, the way browsers do it: `.`, `*` and `?` are translated and
 * all else stays, so that the `(a|b)` which many scripts write works.
 */
export function shellExpression(pattern: string): string {
  return `^${pattern.replaceAll('.', '\\.').replaceAll('*', '.*').replaceAll('?', '.')}$`;
}

const isName = (host: string): boolean => host !== '' && host.length <= MAX_NAME && !/[\0\s]/.test(host);
