import { MAX_PROXIES, type ProxyProtocol } from '../../../shared/proxy.ts';
import type { ProxyCandidate } from './candidate.ts';
import { shownText } from './shown-text.ts';

/** A proxy as a setting names it; who named it is added when it becomes a candidate. */
export type NamedProxy = Omit<ProxyCandidate, 'source'>;

/** What a list of proxies holds, and one reason for each entry that can't be used. */
export interface ProxyList {
  readonly proxies: readonly NamedProxy[];
  readonly problems: readonly string[];
}

/** A `socks5` proxy is always given names, never addresses resolved here: what curl calls `socks5h`. */
const PROTOCOLS: Readonly<Record<string, ProxyProtocol>> = {
  http: 'http',
  https: 'https',
  socks5: 'socks5',
  socks5h: 'socks5',
};

/** Longest part of an entry that a message repeats, characters. */
const MAX_SHOWN = 100;

/**
 * Reads `http://a:8080;https://b:8443;socks5://c:1080`: one to five proxies in the order of trying (R260, R263). Every
 * entry needs a scheme and a port: programs that guess one guess differently (80, 1080, 3128, 8080), and a wrong guess is
 * a proxy that silently isn't used. An entry that can't be used is left out and named in `problems`. A list with `@`
 * gives no proxy at all: a password may hold `;` and `@`, so nobody can tell where it ends. Reasons never repeat
 * credentials, and therefore nothing of such a list.
 */
export function parseProxyList(text: string): ProxyList {
  if (text.trim() === '') return { proxies: [], problems: ['the list is empty'] };
  const entries = text.split(';').map((entry) => entry.trim());
  const withCredentials = entries.findIndex((entry) => entry.includes('@'));
  if (withCredentials !== -1) return { proxies: [], problems: [credentialsReason(withCredentials)] };
  const proxies: NamedProxy[] = [];
  const problems: string[] = [];
  for (const [index, entry] of entries.slice(0, MAX_PROXIES).entries()) {
    try {
      proxies.push(parseProxy(entry));
    } catch (error) {
      problems.push(`entry ${index + 1}${shown(entry)}: ${(error as Error).message}`);
    }
  }
  if (entries.length > MAX_PROXIES) {
    const sixth = entries[MAX_PROXIES] ?? '';
    problems.push(
      `entry ${MAX_PROXIES + 1}${shown(sixth)}: a list holds at most ${MAX_PROXIES} proxies, this one has ${entries.length}`,
    );
  }
  return { proxies, problems };
}

/** One proxy without credentials: `scheme://host:port`, a final `/` allowed. Throws an `Error` with the reason. */
function parseProxy(entry: string): NamedProxy {
  if (entry === '') throw new Error('is empty');
  // Written by hand: a URL parser drops blanks, mends slashes and forgets the port that is the scheme's own.
  if (/\s/.test(entry)) throw new Error('holds a blank; proxies are separated by ";"');
  const parts = /^([a-z][a-z0-9+.-]*):\/\/([^/?#\\]*)(.*)$/i.exec(entry);
  if (parts === null) throw new Error(`has no scheme: write ${example(entry)}`);
  const [, scheme = '', authority = '', rest = ''] = parts;
  const protocol = protocolOf(scheme.toLowerCase());
  if (rest !== '' && rest !== '/') throw new Error('goes on after the port: a proxy has no path');
  return { protocol, ...parseAuthority(authority) };
}

function protocolOf(scheme: string): ProxyProtocol {
  const protocol = Object.hasOwn(PROTOCOLS, scheme) ? PROTOCOLS[scheme] : undefined;
  if (protocol !== undefined) return protocol;
  if (/^socks(4a?)?$/.test(scheme)) throw new Error('SOCKS4 is not spoken: use socks5://');
  throw new Error(`the scheme ${scheme.slice(0, 20)}:// is not one of http://, https://, socks5://`);
}

/** `host:port`, IPv6 in brackets. Throws an `Error` with the reason. */
export function parseAuthority(authority: string): { readonly host: string; readonly port: number } {
  const parts = /^(\[[^\]]*\]|[^:]*)(?::([^:]*))?$/.exec(authority);
  if (parts === null) throw new Error('is not host:port; an IPv6 address stands in brackets');
  const [, hostText = '', portText] = parts;
  const host = parseHost(hostText);
  if (portText === undefined || portText === '') {
    throw new Error('has no port, and proxies share no common one: write it, for example :8080');
  }
  const port = /^\d{1,5}$/.test(portText) ? Number(portText) : 0;
  if (port < 1 || port > 65_535) throw new Error('the port is not a number from 1 to 65535');
  return { host, port };
}

/** A name (Unicode becomes IDNA) or address as WHATWG URLs normalise it; IPv6 without brackets. */
function parseHost(text: string): string {
  if (text === '') throw new Error('has no host');
  let hostname: string;
  try {
    ({ hostname } = new URL(`http://${text}/`));
  } catch {
    throw new Error('the host is neither a name nor an address');
  }
  return hostname.replace(/^\[|\]$/g, '');
}

function credentialsReason(index: number): string {
  return (
    `entry ${index + 1}: carries a user or password, which would stand in clear: ` +
    'leave it out and give it with wayfarerctl proxy credentials, or with /n and /p'
  );
}

function example(entry: string): string {
  return /^[\w.-]+:\d{1,5}$/.test(entry) ? `http://${entry}` : 'http://proxy.example.com:8080';
}

function shown(entry: string): string {
  return entry === '' ? '' : ` (${shownText(entry, MAX_SHOWN)})`;
}
