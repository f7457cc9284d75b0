import { randomBytes } from 'node:crypto';
import type { z } from 'zod';
import type { RouteAttempt } from '../../shared/proxy.ts';
import type { KeyPair } from '../../wire/keys.ts';
import { signRequest, type RequestParts } from '../../wire/message-signature.ts';
import type { Log } from '../host/log.ts';
import { pacingMs, type IncomingReply, type OutgoingRequest } from './connection.ts';
import { diagnose } from './diagnosis.ts';
import { causeOf, describeFailure, failureOf, wasEnded, type Failure, type Result } from './failure.ts';
import type { ProxyProblem } from './proxy/candidate.ts';
import { describeRoute, describeRoutes, type TriedRoute } from './route.ts';
import { Routes, type Leg, type RoutesOptions } from './routes.ts';
import { accept, type Answer } from './signed-reply.ts';

/** Who asks, at the moment of asking. */
export interface Caller {
  readonly customerId: string;
  readonly agentId: string;
  readonly keyPair: KeyPair;
  /** The pinned platform key, or `undefined` before the first provisioning. */
  readonly platformKey: string | undefined;
}

/** One exchange. `path` is relative to the base URL. */
export interface Exchange<T> {
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly path: string;
  readonly body?: Uint8Array | object;
  /** In place of `body`: called for each attempt, with the name of its route. */
  readonly bodyFor?: (route: string) => object;
  readonly headers?: Readonly<Record<string, string>>;
  readonly reply: z.ZodType<T>;
  /** Fastest that the body may leave, KB per second; 0 or absent: no limit. */
  readonly maxKbps?: number;
  /** Before a key is pinned: where a reply names the key it is signed with (provisioning alone does). */
  readonly keyFromReply?: (value: T) => string;
}

/** An exchange but for what becomes of its reply. */
type Question = Omit<Exchange<unknown>, 'reply' | 'keyFromReply'>;

/** Keeps the issuer of the certificate with which the platform last answered, across restarts if it can. */
export interface KnownIssuer {
  readonly get: () => string | undefined;
  readonly set: (issuer: string) => void;
}

/** What the client works with beside the routes' options. */
export interface ClientOptions extends RoutesOptions {
  /** The platform's base URL, ending in `/`. */
  readonly base: string;
  readonly log: Log;
  readonly knownIssuer: KnownIssuer;
  /** Called after each exchange that needed a new connection, and with an empty list when an open one served. */
  readonly onRoutes?: (tried: readonly TriedRoute[], problems: readonly ProxyProblem[]) => void;
}

/**
 * The platform's client: signs, sends, verifies, parses. One exchange tries every route once; beyond that it repeats
 * once, for a wrong clock: retries have one owner, the agent's plan. Every attempt leaves one line in the log (R282,
 * R283), a failed one and the first one on a new connection with the list of routes (R259).
 */
export class PlatformClient {
  readonly #options: ClientOptions;
  readonly #base: URL;
  readonly #routes: Routes;
  #clockOffsetSec = 0;
  #route = 'direct';
  #attempts: readonly RouteAttempt[] = [];

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#base = new URL(options.base);
    this.#routes = new Routes(options);
  }

  /** Seconds to add to this host's clock to get the platform's, as its signed replies told. */
  get clockOffsetSec(): number {
    return this.#clockOffsetSec;
  }

  /** The route by which the platform last answered. */
  get route(): string {
    return this.#route;
  }

  /** The routes that were tried when a connection was last made. */
  get lastAttempts(): readonly RouteAttempt[] {
    return this.#attempts;
  }

  /** Makes one exchange. Never throws for what a network or a platform can do. */
  async exchange<T>(caller: Caller, exchange: Exchange<T>): Promise<Result<Answer<T>>> {
    const first = await this.#once(caller, exchange);
    if (first.ok || !this.#learnClock(first.failure)) return first;
    return this.#once(caller, exchange);
  }

  /** Ends open connections and what is under way, as after a change of network or settings; nothing else is forgotten. */
  reset(): void {
    void this.#routes.reset();
  }

  /** Ends everything, an exchange under way with an error. */
  close(): Promise<void> {
    return this.#routes.reset();
  }

  /** Takes the platform's time from a verified CLOCK_SKEW; says whether another attempt makes sense. */
  #learnClock(failure: Failure): boolean {
    if (failure.kind !== 'api' || failure.code !== 'CLOCK_SKEW' || !failure.verified) return false;
    if (failure.serverTime === undefined) return false;
    this.#clockOffsetSec = Math.round((failure.serverTime - this.#options.now()) / 1000);
    return true;
  }

  async #once<T>(caller: Caller, exchange: Exchange<T>): Promise<Result<Answer<T>>> {
    const url = new URL(exchange.path, this.#base);
    const { body, maxKbps = 0 } = exchange;
    const extraMs = body instanceof Uint8Array ? pacingMs({ body, maxKbps }) : 0;
    const ending = this.#routes.ending;
    const { result, tried, problems } = await this.#routes.run(url, extraMs, (leg) =>
      this.#attempt(caller, exchange, url, leg),
    );
    if (tried.length > 0) this.#attempts = tried.map(({ attempt }) => attempt);
    this.#options.onRoutes?.(tried, problems);
    if (result.ok || ending.aborted) return result;
    const failure = await this.#diagnosed(result.failure, tried, caller.platformKey, ending);
    return { ok: false, failure };
  }

  async #diagnosed(
    failure: Failure,
    tried: readonly TriedRoute[],
    platformKey: string | undefined,
    ending: AbortSignal,
  ): Promise<Failure> {
    const { now, knownIssuer, log } = this.#options;
    const more = await diagnose(failure, tried, {
      base: this.#base,
      dialling: this.#routes.dialling,
      platformKey,
      knownIssuer: knownIssuer.get(),
      timeoutMs: this.#routes.dialMs(),
      ending,
      now: now(),
    });
    if (more !== failure) log.error(`No platform at ${this.#base.host}: ${describeFailure(more)}`);
    return more;
  }

  async #attempt<T>(caller: Caller, exchange: Exchange<T>, url: URL, leg: Leg): Promise<Result<Answer<T>>> {
    const { now } = this.#options;
    const startedAt = now();
    const connected = await orFailure(leg.connect());
    if (!connected.ok) {
      this.#report(exchange, leg, connected, undefined, now() - startedAt);
      return connected;
    }
    const outgoing = this.#signed(caller, exchange, url, leg.route.name);
    const sent = await orFailure(connected.value.send(outgoing, leg.timeoutMs, leg.signal));
    const result = sent.ok
      ? await accept(sent.value, {
          request: partsOf(outgoing, url),
          platformKey: caller.platformKey,
          reply: exchange.reply,
          keyFromReply: exchange.keyFromReply,
          now: now(),
        })
      : sent;
    this.#report(exchange, leg, result, sent.ok ? sent.value : undefined, now() - startedAt);
    if (result.ok) this.#reached(leg.route.name, connected.value.issuer);
    return result;
  }

  #reached(route: string, issuer: string): void {
    this.#route = route;
    const { knownIssuer, log } = this.#options;
    try {
      if (knownIssuer.get() !== issuer) knownIssuer.set(issuer);
    } catch (error) {
      // A full disk takes nothing from a good reply; the next connection tries again.
      log.warn(`the platform's issuer could not be noted: ${causeOf(error).reason}`);
    }
  }

  /** The request of one attempt, signed anew, so that nobody on one route can replay it on another. */
  #signed(caller: Caller, exchange: Question, url: URL, route: string): OutgoingRequest {
    const given = exchange.bodyFor?.(route) ?? exchange.body;
    const body = encodeBody(given);
    const headers = {
      ...exchange.headers,
      'wayfarer-customer': caller.customerId,
      'wayfarer-agent': caller.agentId,
      ...(given !== undefined && !(given instanceof Uint8Array) && { 'content-type': 'application/json' }),
    };
    const stamp = {
      created: Math.floor(this.#options.now() / 1000) + this.#clockOffsetSec,
      nonce: randomBytes(16).toString('base64url'),
    };
    const { method, maxKbps = 0 } = exchange;
    const unsigned: OutgoingRequest = { method, url: url.href, headers, body, maxKbps };
    const signature = signRequest(partsOf(unsigned, url), body, caller.keyPair, stamp);
    return { ...unsigned, headers: { ...headers, ...signature } };
  }

  /** The line of one attempt. A route that failed is named in full, one that served by its name alone. */
  #report(
    exchange: Question,
    leg: Leg,
    result: Result<unknown>,
    incoming: IncomingReply | undefined,
    elapsedMs: number,
  ): void {
    const { log } = this.#options;
    const elapsed = `${Math.round(elapsedMs)} ms`;
    const outcome =
      incoming === undefined
        ? ` (${elapsed})`
        : `, Http status code: ${incoming.status} (${incoming.body.length} B, ${elapsed})`;
    const asked = `${exchange.method} ${exchange.path} via`;
    const routes = describeRoutes(leg.routes);
    if (result.ok) log.info(`Http request: ${asked} ${leg.route.name}${outcome}${leg.first ? routes : ''}`);
    else if (wasEnded(result.failure)) {
      log.info(`Http request broken off to look for a route anew: ${asked} ${leg.route.name}${outcome}`);
    } else {
      const why = describeFailure(result.failure);
      log.error(`Http request failed: ${why}: ${asked} ${describeRoute(leg.route)}${outcome}${routes}`);
    }
  }
}

async function orFailure<T>(work: Promise<T>): Promise<Result<T>> {
  try {
    return { ok: true, value: await work };
  } catch (error) {
    return { ok: false, failure: failureOf(error) };
  }
}

function partsOf({ method, headers }: OutgoingRequest, url: URL): RequestParts {
  return { method, path: url.pathname, query: url.search, headers };
}

function encodeBody(body: Uint8Array | object | undefined): Uint8Array {
  if (body === undefined) return new Uint8Array();
  return body instanceof Uint8Array ? body : Buffer.from(JSON.stringify(body), 'utf8');
}
