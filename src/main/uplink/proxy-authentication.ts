import type { ProxyCandidate, ProxyCredentials } from './proxy/candidate.ts';

/** One Negotiate handshake with one proxy on one connection (RFC 4559, 4.2). Tokens are base64, as in the header. */
export interface NegotiateContext {
  /**
   * The next token to send; `fromProxy` is the token of the last challenge, absent in the first one. Rejects with a
   * reason for people when there is no ticket, no library, or the proxy's token is refused.
   */
  readonly step: (fromProxy?: string) => Promise<string>;
  /** Frees what the handshake holds. Called once, however it ended. */
  readonly close: () => void;
}

/** Begins a handshake with the proxy of this name (its service is `HTTP/name`). Does nothing before the first step. */
export type Negotiate = (proxyHost: string) => NegotiateContext;

/** With what a proxy that asks may be answered. */
export interface ProxyAccess {
  /**
   * User and password for a proxy, looked up at each new connection that needs them; `undefined` where none are set.
   * Never asked for a proxy that a hint or WPAD named: the network it stands in could have named itself.
   */
  readonly credentials: (candidate: ProxyCandidate) => Promise<ProxyCredentials | undefined>;
  /** Absent where this host has no Negotiate. */
  readonly negotiate?: Negotiate;
}
