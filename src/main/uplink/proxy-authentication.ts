import { parseChallenges, type Challenge } from './challenges.ts';
import { causeOf, RouteError, type Failure } from './failure.ts';
import {
  mayGetCredentials,
  proxyUrl,
  type ProxyCandidate,
  type ProxyCredentials,
} from './proxy/candidate.ts';

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

const SCHEMES = ['negotiate', 'basic'] as const;
type Scheme = (typeof SCHEMES)[number];

/** Proxies whose scheme is remembered: a PAC file may name many. */
const MAX_REMEMBERED = 64;

/**
 * How proxies want to be authenticated with. Credentials go to a proxy only once it has asked (407) in this process;
 * from then on with each new connection's first request, which saves a round trip. This is no memory of which proxy
 * worked (R262).
 */
export class ProxyAuthentication {
  readonly #access: ProxyAccess;
  readonly #schemes = new Map<string, Scheme>();

  constructor(access: ProxyAccess) {
    this.#access = access;
  }

  /** Begins with a new connection to a proxy. The caller closes the handshake. */
  begin(candidate: ProxyCandidate): ProxyHandshake {
    return new ProxyHandshake(candidate, this.#access, this.#schemes);
  }

  /** User and password for a proxy that asks for them, if it may get them and they are set. */
  credentials(candidate: ProxyCandidate): Promise<ProxyCredentials | undefined> {
    return mayGetCredentials(candidate) ? this.#access.credentials(candidate) : Promise.resolve(undefined);
  }
}

/** One connection's authentication with one HTTP proxy (RFC 9110, 11.7; RFC 7617; RFC 4559). */
export class ProxyHandshake {
  readonly #candidate: ProxyCandidate;
  readonly #access: ProxyAccess;
  readonly #schemes: Map<string, Scheme>;
  readonly #reasons = new Map<Scheme, string>();
  #current: Scheme | undefined;
  #context: NegotiateContext | undefined;
  #legs = 0;
  #closed = false;

  constructor(candidate: ProxyCandidate, access: ProxyAccess, schemes: Map<string, Scheme>) {
    this.#candidate = candidate;
    this.#access = access;
    this.#schemes = schemes;
  }

  /** Whether the proxy has answered a token, so that the handshake can't go on with another connection. */
  get bound(): boolean {
    return this.#context !== undefined && this.#legs > 1;
  }

  /** The `Proxy-Authorization` of the first request: none until this proxy has once asked. */
  async first(): Promise<string | undefined> {
    const scheme = this.#schemes.get(proxyUrl(this.#candidate));
    return scheme === undefined ? undefined : this.#attempt(scheme);
  }

  /**
   * The `Proxy-Authorization` that answers a 407 with these `Proxy-Authenticate` fields. Rejects with a `RouteError` that
   * names what is offered and why there is no answer (or no further one).
   */
  async answer(fields: readonly string[]): Promise<string> {
    const offered = parseChallenges(fields);
    const token = offered.find(({ scheme }) => scheme.toLowerCase() === 'negotiate')?.token;
    if (this.#current === 'negotiate' && token !== undefined) {
      const header = await this.#step(token);
      if (header !== undefined) return header;
    } else if (this.#current !== undefined) {
      this.#reasons.set(this.#current, REFUSED[this.#current]);
    }
    for (const scheme of SCHEMES) {
      if (this.#reasons.has(scheme)) continue;
      if (!offered.some((challenge) => challenge.scheme.toLowerCase() === scheme)) continue;
      const header = await this.#attempt(scheme);
      if (header !== undefined) return header;
    }
    this.#schemes.delete(proxyUrl(this.#candidate));
    throw new RouteError(this.#refusal(offered));
  }

  /** The proxy let the request through: its scheme is remembered. */
  accepted(): void {
    if (this.#current === undefined) return;
    if (this.#schemes.size >= MAX_REMEMBERED) this.#schemes.clear();
    this.#schemes.set(proxyUrl(this.#candidate), this.#current);
  }

  /** Ends it. What is still on its way comes to nothing, and begins nothing. */
  close(): void {
    this.#closed = true;
    this.#drop();
  }

  #drop(): void {
    this.#context?.close();
    this.#context = undefined;
  }

  async #attempt(scheme: Scheme): Promise<string | undefined> {
    this.#drop();
    this.#current = undefined;
    if (this.#closed) return this.#without(scheme, 'this handshake is over');
    if (!mayGetCredentials(this.#candidate)) {
      return this.#without(scheme, `a proxy from ${this.#candidate.source} gets no credentials`);
    }
    this.#current = scheme;
    return scheme === 'basic' ? this.#basic() : this.#negotiate();
  }

  async #negotiate(): Promise<string | undefined> {
    const begin = this.#access.negotiate;
    if (begin === undefined) return this.#without('negotiate', 'this host has no Negotiate');
    this.#context = begin(this.#candidate.host);
    this.#legs = 0;
    return this.#step();
  }

  async #step(token?: string): Promise<string | undefined> {
    try {
      this.#legs += 1;
      return `Negotiate ${(await this.#context?.step(token)) ?? ''}`;
    } catch (error) {
      return this.#without('negotiate', causeOf(error).reason);
    }
  }

  async #basic(): Promise<string | undefined> {
    try {
      const found = await this.#access.credentials(this.#candidate);
      if (found === undefined) return this.#without('basic', 'no user and password are set for it');
      return `Basic ${Buffer.from(`${found.username}:${found.password}`, 'utf8').toString('base64')}`;
    } catch (error) {
      return this.#without('basic', causeOf(error).reason);
    }
  }

  #without(scheme: Scheme, reason: string): string | undefined {
    this.#reasons.set(scheme, reason);
    if (this.#current === scheme) this.#current = undefined;
    return undefined;
  }

  #refusal(offered: readonly Challenge[]): Failure {
    const schemes = [...new Set(offered.map(({ scheme }) => scheme))];
    const own = [...this.#reasons.values()];
    const why = own.length > 0 ? own.join('; ') : 'the agent speaks Basic and Negotiate only';
    const offer = schemes.join(', ') || 'nothing';
    return {
      kind: 'proxy',
      code: 'PROXY_407',
      reason: `the proxy wants authentication, offers ${offer}: ${why}`,
      schemes,
    };
  }
}

const REFUSED: Record<Scheme, string> = {
  basic: 'it refused user and password',
  negotiate: 'it refused the Negotiate token',
};
