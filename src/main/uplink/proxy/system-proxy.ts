import { parseAuthority, type NamedProxy } from './proxy-list.ts';
import { shownText } from './shown-text.ts';

/** The operating system's proxy settings for https URLs. */
export interface SystemProxies {
  readonly proxies: readonly NamedProxy[];
  /** Location of the system's PAC file; it is asked before `proxies` count. */
  readonly pac?: string;
  /** Hosts that are reached without them, as `bypassesProxy` reads them without subdomains. */
  readonly bypass: string;
  /** What could not be read or used. */
  readonly problem?: string;
}

/** Reads the system's settings afresh. Never rejects. */
export type ReadSystemProxies = () => Promise<SystemProxies>;

export const NO_SYSTEM_PROXIES: SystemProxies = { proxies: [], bypass: '' };

/** A proxy as a system names it. */
export interface ProxyToParse {
  readonly protocol: NamedProxy['protocol'];
  /** `host:port`, IPv6 in brackets. */
  readonly authority: string;
}

/** Longest part of an entry that a message repeats, characters. */
const MAX_SHOWN = 100;

/** The proxies of a system; those that can't be used are left out and named with the reason: none goes unused in silence. */
export function parseSystemProxies(
  entries: readonly ProxyToParse[],
): Pick<SystemProxies, 'proxies' | 'problem'> {
  const proxies: NamedProxy[] = [];
  const problems: string[] = [];
  for (const { protocol, authority } of entries) {
    try {
      proxies.push({ protocol, ...parseAuthority(authority) });
    } catch (error) {
      problems.push(`${shownText(authority, MAX_SHOWN)}: ${(error as Error).message}`);
    }
  }
  return { proxies, ...(problems.length > 0 && { problem: problems.join('; ') }) };
}
