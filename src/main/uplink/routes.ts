import { Connection } from './connection.ts';
import { Deadline } from './deadline.ts';
import { dial, type Dialling } from './dial.ts';
import {
  anotherRouteMayHelp,
  describeFailure,
  ENDED,
  RouteError,
  type Failure,
  type Result,
} from './failure.ts';
import { ProxyAuthentication, type ProxyAccess } from './proxy-authentication.ts';
import { Pacer } from './pacer.ts';
import type { ProxyProblem, RouteResolver } from './proxy/candidate.ts';
import { attemptOf, namedRoutes, type Route, type TriedRoute } from './route.ts';
import { mostTelling } from './route-failures.ts';
import type { Trust } from './trust.ts';
import { targetOf } from './tunnel.ts';

/** The ways to the platform and how to go them. */
export interface RoutesOptions {
  readonly resolver: RouteResolver;
  readonly access: ProxyAccess;
  readonly trust: Trust;
  /** The request timeout of the profile in force, seconds; asked for each attempt. */
  readonly timeoutSec: () => number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** One attempt of an exchange. */
export interface Leg {
  readonly route: Route;
  /** All routes that there were for this connection, this one among them. */
  readonly routes: readonly Route[];
  /** Whether it is the first attempt of a new connection. */
  readonly first: boolean;
  /** The connection that was still open, or a new one. Rejects with a `RouteError`. */
  readonly connect: () => Promise<Connection>;
  /** Bounds the wait for headers and every pause, ms. */
  readonly timeoutMs: number;
  /** Ends the attempt. */
  readonly signal: AbortSignal;
}

/** The way of a leg. */
type Way = Pick<Leg, 'route' | 'routes' | 'first' | 'connect'>;

/** A connection that waits for its next exchange, and the routes that there were for it. */
interface Kept {
  readonly connection: Connection;
  readonly routes: readonly Route[];
}

type Attempt<T> = (leg: Leg) => Promise<Result<T>>;

/** What an exchange came to. */
export interface Outcome<T> {
  readonly result: Result<T>;
  /** The routes that a new connection tried; empty where one was still open and served. */
  readonly tried: readonly TriedRoute[];
  readonly problems: readonly ProxyProblem[];
}

/** Longest that dialling may take, ms: whoever is there answers sooner. */
const MAX_DIAL_MS = 15_000;

/** One attempt, request and reply, may take this many times the timeout, and all attempts together twice as many. */
const ATTEMPT_TIMEOUTS = 10;
const EXCHANGE_TIMEOUTS = 20;

/**
 * The routes to the platform (protocol, scheduler rule 10): every new connection tries the candidates in their order,
 * the first one first, without memory of what worked (R260–R264). A connection that is still open serves as long as it
 * is; what it fails at starts with the first candidate again.
 */
export class Routes {
  readonly dialling: Dialling;
  readonly #options: RoutesOptions;
  readonly #connections = new Set<Connection>();
  readonly #pacer = new Pacer();
  #kept: Kept | undefined;
  #ending = new AbortController();

  constructor(options: RoutesOptions) {
    this.#options = options;
    this.dialling = {
      trust: options.trust,
      authentication: new ProxyAuthentication(options.access),
    };
  }

  /** Bound of dialling alone, ms. */
  dialMs(): number {
    return Math.min(MAX_DIAL_MS, this.#timeoutMs());
  }

  /** Ends when the connections are reset or closed. */
  get ending(): AbortSignal {
    return this.#ending.signal;
  }

  /**
   * Runs `attempt` on a kept connection or on new ones, until one attempt is settled: the platform answered. `extraMs`
   * is what the pace of the body adds to the limits of time. Never rejects unless `attempt` does.
   */
  async run<T>(url: URL, extraMs: number, attempt: Attempt<T>): Promise<Outcome<T>> {
    const whole = this.#deadline(EXCHANGE_TIMEOUTS, extraMs, this.ending);
    try {
      return await this.#settle(url, extraMs, attempt, whole.signal);
    } finally {
      whole.end();
    }
  }

  async #settle<T>(url: URL, extraMs: number, attempt: Attempt<T>, whole: AbortSignal): Promise<Outcome<T>> {
    const kept = this.#takeKept();
    if (kept !== undefined) {
      const { connection, routes } = kept;
      const connect = (): Promise<Connection> => Promise.resolve(connection);
      const way = { route: connection.route, routes, first: false, connect };
      const result = await this.#use(attempt, way, extraMs, whole);
      if (settled(result) || whole.aborted) return { result, tried: [], problems: [] };
    }
    const { candidates, problems } = await this.#options.resolver.resolve(url);
    const routes = namedRoutes(candidates);
    const tried: TriedRoute[] = [];
    for (const route of routes) {
      const startedAt = this.#options.now();
      const first = tried.length === 0;
      const way = { route, routes, first, connect: () => this.#dial(route, url, whole) };
      const result = await this.#use(attempt, way, extraMs, whole);
      tried.push(triedRoute(route, result, this.#options.now() - startedAt));
      // An exchange that was ended says so, whatever failed before.
      if (settled(result) || whole.aborted) return { result, tried, problems };
    }
    return { result: { ok: false, failure: mostTelling(tried) }, tried, problems };
  }

  /** Makes one attempt; of connections that served one is kept for the next exchange, others end. */
  async #use<T>(attempt: Attempt<T>, way: Way, extraMs: number, whole: AbortSignal): Promise<Result<T>> {
    const deadline = this.#deadline(ATTEMPT_TIMEOUTS, extraMs, whole);
    const { signal } = deadline;
    let connection: Connection | undefined;
    let good = false;
    try {
      const connect = async (): Promise<Connection> => (connection = await way.connect());
      const result = await attempt({ ...way, connect, timeoutMs: this.#timeoutMs(), signal });
      good = settled(result);
      return result;
    } finally {
      deadline.end();
      if (connection !== undefined) this.#release(connection, way.routes, good && !signal.aborted);
    }
  }

  #deadline(timeouts: number, extraMs: number, ended: AbortSignal): Deadline {
    return new Deadline(this.#timeoutMs() * timeouts + extraMs, ended);
  }

  #timeoutMs(): number {
    return this.#options.timeoutSec() * 1000;
  }

  /** Ends all connections and what is under way on them; the next exchange resolves and dials anew. */
  async reset(): Promise<void> {
    const failure: Failure = { kind: 'transport', code: ENDED, reason: 'the connection was reset' };
    this.#ending.abort(new RouteError(failure));
    this.#ending = new AbortController();
    this.#kept = undefined;
    await Promise.all([...this.#connections].map((connection) => connection.close()));
    this.#connections.clear();
  }

  async #dial(route: Route, url: URL, whole: AbortSignal): Promise<Connection> {
    const deadline = new Deadline(this.dialMs(), whole);
    try {
      const socket = await dial(route.candidate, targetOf(url), this.dialling, deadline);
      const connection = new Connection(route, url.origin, socket, this.#pacer);
      this.#connections.add(connection);
      return connection;
    } finally {
      deadline.end();
    }
  }

  #takeKept(): Kept | undefined {
    const kept = this.#kept;
    this.#kept = undefined;
    if (kept?.connection.open === true) return kept;
    if (kept !== undefined) this.#drop(kept.connection);
    return undefined;
  }

  #release(connection: Connection, routes: readonly Route[], good: boolean): void {
    if (good && connection.open && this.#kept === undefined) this.#kept = { connection, routes };
    else this.#drop(connection);
  }

  #drop(connection: Connection): void {
    this.#connections.delete(connection);
    void connection.close();
  }
}

const settled = (result: Result<unknown>): boolean => result.ok || !anotherRouteMayHelp(result.failure);

function triedRoute(route: Route, result: Result<unknown>, elapsedMs: number): TriedRoute {
  const failure = result.ok || settled(result) ? undefined : result.failure;
  const told = failure === undefined ? 'the platform answers' : describeFailure(failure);
  const attempt = attemptOf(route, { ok: failure === undefined, result: told, elapsedMs });
  return { candidate: route.candidate, failure, attempt };
}
