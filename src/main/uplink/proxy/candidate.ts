import type { ProxyProtocol, ProxySource } from '../../../shared/proxy.ts';

/** A proxy that may lead to the platform. Credentials are looked up when they are needed, never carried along. */
export interface ProxyCandidate {
  readonly protocol: ProxyProtocol;
  /** Name or address; IPv6 without brackets. */
  readonly host: string;
  /** 1–65535. */
  readonly port: number;
  readonly source: ProxySource;
}

/** One way to the platform: through a proxy, or `direct`. */
export type Candidate = ProxyCandidate | 'direct';

/** Something about the proxy settings that a person has to mend; the agent goes on with what is left. */
export interface ProxyProblem {
  /** The setting by the name its source gives it: `wayfarer_https_proxy`, `PacUrl`. */
  readonly setting: string;
  /** Where it stands: a file with its line, a registry key, a URL. */
  readonly source: string;
  /** The cause; without credentials. */
  readonly reason: string;
}

/** What a resolver found for one URL, in the order of trying (protocol, scheduler rule 10). Never empty. */
export interface Resolution {
  readonly candidates: readonly Candidate[];
  readonly problems: readonly ProxyProblem[];
}

/** The one place that knows which proxies there are (R242–R246, R260–R266). */
export interface RouteResolver {
  /** The candidates for a URL, read afresh: a change of the settings needs no restart (R258). Never rejects. */
  readonly resolve: (url: URL) => Promise<Resolution>;
}

/** User and password for a proxy. */
export interface ProxyCredentials {
  readonly username: string;
  readonly password: string;
}

/** The proxy as it may be shown: `http://host:port`, IPv6 in brackets. */
export function proxyUrl({ protocol, host, port }: ProxyCandidate): string {
  return `${protocol}://${host.includes(':') ? `[${host}]` : host}:${String(port)}`;
}

/** Sources in which only an administrator can name a proxy (R265): not the network (WPAD), nor a hint. */
const TRUSTED: readonly ProxySource[] = ['configured', 'PAC', 'system'];

/** Whether an administrator named this proxy, so that it may be sent credentials. */
export const mayGetCredentials = ({ source }: ProxyCandidate): boolean => TRUSTED.includes(source);
