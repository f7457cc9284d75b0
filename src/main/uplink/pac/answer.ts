import type { ProxyProtocol } from '../../../shared/proxy.ts';
import type { ScriptAnswer, ScriptCandidate } from '../proxy/script.ts';
import { shownText } from '../proxy/shown-text.ts';

/** How many entries of one answer are kept: each may cost a connect timeout before the next is tried. */
export const MAX_CANDIDATES = 10;

/** Longest answer that is looked at, characters; ten entries with the longest host names fit (RFC 1035: 253). */
export const MAX_ANSWER = 4_096;

/** How many entries that can't be used are named, and with how many characters each. */
const MAX_NAMED = 3;
const MAX_SHOWN = 80;

/** What a keyword means and the port that goes without saying, both as in Chromium but for `SOCKS` (decision 20). */
const KINDS: Readonly<Record<string, { readonly protocol: ProxyProtocol; readonly port: number }>> = {
  PROXY: { protocol: 'http', port: 80 },
  HTTP: { protocol: 'http', port: 80 },
  HTTPS: { protocol: 'https', port: 443 },
  SOCKS: { protocol: 'socks5', port: 1080 },
  SOCKS5: { protocol: 'socks5', port: 1080 },
};

/** An entry that can't be used; the message says why. */
class Unusable extends Error {}

/**
 * Reads what `FindProxyForURL` returned: entries between `;`, each a keyword in any case and, but for `DIRECT`, a host
 * with an optional port. What can't be used is left out and named in `problem`; the first ten entries are kept, in
 * their order. Takes any text, never throws.
 */
export function parseAnswer(text: string): ScriptAnswer {
  const candidates: ScriptCandidate[] = [];
  const problems: string[] = [];
  for (const entry of entriesOf(text)) {
    const words = entry.trim();
    if (words === '') continue;
    if (candidates.length === MAX_CANDIDATES) {
      problems.push(`names more than ${MAX_CANDIDATES} proxies, the rest is left out`);
      break;
    }
    try {
      candidates.push(parseEntry(words));
    } catch (error) {
      if (!(error instanceof Unusable)) throw error;
      if (problems.length < MAX_NAMED) problems.push(`${shown(words)} ${error.message}`);
    }
  }
  if (text.length > MAX_ANSWER && candidates.length < MAX_CANDIDATES) {
    problems.push(`is longer than ${MAX_ANSWER} characters, the rest is left out`);
  }
  if (candidates.length === 0 && problems.length === 0) problems.push('names no proxy and not DIRECT');
  return problems.length === 0
    ? { candidates }
    : { candidates, problem: `the script's answer ${problems.join('; ')}` };
}

/** The entries that are looked at. One that the end cuts through is none: half a name is another host's name. */
function entriesOf(text: string): readonly string[] {
  const entries = text.slice(0, MAX_ANSWER).split(';');
  return text.length > MAX_ANSWER ? entries.slice(0, -1) : entries;
}

function parseEntry(words: string): ScriptCandidate {
  const [keyword = '', authority, more] = words.split(/\s+/, 3);
  const kind = keyword.toUpperCase();
  if (kind === 'DIRECT') {
    if (authority !== undefined) throw new Unusable('is not understood: DIRECT stands alone');
    return 'direct';
  }
  if (kind === 'SOCKS4') throw new Unusable('is skipped: SOCKS version 4 is not spoken, name it SOCKS5');
  const known = Object.hasOwn(KINDS, kind) ? KINDS[kind] : undefined;
  if (known === undefined) throw new Unusable('is not understood');
  if (authority === undefined || more !== undefined) throw new Unusable('is not understood: one host:port');
  return { protocol: known.protocol, ...parseAuthority(authority, known.port) };
}

/** `host`, `host:port`, `[IPv6]` or `[IPv6]:port`. The host is brought into the form that URLs use. */
function parseAuthority(authority: string, defaultPort: number): { host: string; port: number } {
  const match = /^(?<host>\[[\da-f:.]+\]|[^\s:@/\\?#[\]]+)(?::(?<port>\d{1,5}))?$/i.exec(authority);
  const port = match?.groups?.['port'] === undefined ? defaultPort : Number(match.groups['port']);
  const host = canonicalHost(match?.groups?.['host'] ?? '');
  if (host === undefined) throw new Unusable('is not understood: one host:port');
  if (port < 1 || port > 65_535) throw new Unusable('has a port outside 1–65535');
  return { host, port };
}

function canonicalHost(host: string): string | undefined {
  const url = host === '' ? null : URL.parse(`http://${host}/`);
  return url === null || url.hostname === '' ? undefined : url.hostname.replace(/^\[|\]$/g, '');
}

/** An entry as a problem may show it. Somebody may have written a password into it. */
function shown(words: string): string {
  const clean = words.includes('@') ? `${words.split(/\s/, 1)[0] ?? ''} …` : words;
  return `"${shownText(clean, MAX_SHOWN)}"`;
}
