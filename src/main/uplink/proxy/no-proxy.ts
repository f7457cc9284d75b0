import { BlockList, isIP } from 'node:net';

/** How entries without a wildcard are meant. */
export interface BypassStyle {
  /** `example.com` also means everything below it: so in `no_proxy`, not in the settings of Windows and macOS. */
  readonly subdomains: boolean;
}

const NO_PROXY: BypassStyle = { subdomains: true };

/**
 * Whether a list of exceptions says to reach a URL without a proxy. Entries are separated by blanks, commas or
 * semicolons: `*` (everything), a host name in any case (a leading dot makes no difference), a name or address with `*`
 * in it, an address, a network in CIDR notation (`10.0.0.0/8`, `169.254/16`, `fd00::/8`), `<local>` (names without a
 * dot). All but networks may end in `:port`; IPv6 may stand in brackets. Names are never resolved: a network only meets a
 * URL that holds an address. What isn't understood meets nothing. Time is linear in the list.
 */
export function bypassesProxy(list: string, url: URL, style = NO_PROXY): boolean {
  const host = bare(url.hostname.toLowerCase()).replace(/\.$/, '');
  const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port;
  return list
    .toLowerCase()
    .split(/[\s,;]+/)
    .some((entry) => entry !== '' && meets(entry, host, port, style));
}

function meets(entry: string, host: string, port: string, style: BypassStyle): boolean {
  if (entry === '*') return true;
  if (entry === '<local>') return !host.includes('.') && isIP(host) === 0;
  if (entry.includes('/')) return inNetwork(entry, host);
  const [pattern, wantedPort] = splitPort(entry);
  if (wantedPort !== undefined && wantedPort !== port) return false;
  if (isIP(pattern) !== 0) return sameAddress(pattern, host);
  if (pattern.includes('*')) return matchesGlob(pattern, host);
  const name = pattern.replace(/^\./, '').replace(/\.$/, '');
  return (
    name !== '' && (host === name || (style.subdomains && isIP(host) === 0 && host.endsWith(`.${name}`)))
  );
}

/** An entry's host, without brackets, and its port. */
function splitPort(entry: string): [string, string | undefined] {
  if (isIP(entry) === 6) return [entry, undefined];
  const parts = /^(\[[^\]]*\]|[^:]*)(?::(\d+))?$/.exec(entry);
  return parts === null ? ['', undefined] : [bare(parts[1] ?? ''), parts[2]];
}

function bare(host: string): string {
  return host.replace(/^\[|\]$/g, '');
}

function sameAddress(address: string, host: string): boolean {
  if (isIP(host) === 0) return false;
  const one = new BlockList();
  one.addAddress(address, family(address));
  return one.check(host, family(host));
}

function inNetwork(entry: string, host: string): boolean {
  const [text = '', bits = ''] = entry.split('/');
  // macOS leaves the last octets out: 169.254/16.
  const address = /^\d+(\.\d+){0,2}$/.test(text)
    ? `${text}${'.0'.repeat(4 - text.split('.').length)}`
    : bare(text);
  if (isIP(address) === 0 || isIP(host) === 0 || !/^\d{1,3}$/.test(bits)) return false;
  if (Number(bits) > (isIP(address) === 4 ? 32 : 128)) return false;
  const network = new BlockList();
  network.addSubnet(address, Number(bits), family(address));
  return network.check(host, family(host));
}

function family(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 4 ? 'ipv4' : 'ipv6';
}

/** Whether a text has the pieces of a pattern between its `*` in order, the first at its begin, the last at its end. */
function matchesGlob(pattern: string, text: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  const last = rest.pop() ?? '';
  if (!text.startsWith(first) || !text.endsWith(last)) return false;
  let at = first.length;
  for (const piece of rest) {
    const found = text.indexOf(piece, at);
    if (found === -1) return false;
    at = found + piece.length;
  }
  return at <= text.length - last.length;
}
