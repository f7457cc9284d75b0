import type { NamedProxy } from './proxy-list.ts';

/** The operating system's proxy settings for https URLs. */
export interface SystemProxies {
  readonly proxies: readonly NamedProxy[];
  /** Location of the system's PAC file; it is asked before `proxies` count. */
  readonly pac?: string;
  /** Hosts that are reached without them, as `bypassesProxy` reads them without subdomains. */
  readonly bypass: string;
  /** What could not be read. */
  readonly problem?: string;
}

/** Reads the system's settings afresh. Never rejects. */
export type ReadSystemProxies = () => Promise<SystemProxies>;

export const NO_SYSTEM_PROXIES: SystemProxies = { proxies: [], bypass: '' };
