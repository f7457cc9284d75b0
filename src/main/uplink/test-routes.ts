import type { RouteAttempt } from '../../shared/proxy.ts';
import type { RouteResolver } from './proxy/candidate.ts';
import type { ProxyAccess } from './proxy-authentication.ts';
import type { Trust } from './trust.ts';

/** What a test of the routes needs to know. */
export interface RouteTest {
  readonly resolver: RouteResolver;
  readonly access: ProxyAccess;
  /** The platform's base URL, ending in `/`. */
  readonly base: string;
  readonly trust: Trust;
  /** Bounds each candidate, seconds. */
  readonly timeoutSec: number;
  /** The pinned platform key; without one a reply is only looked at. */
  readonly platformKey?: string | undefined;
  /** Milliseconds that only grow. */
  readonly now: () => number;
}

/** Tries every candidate with the unsigned probe, in their order, none skipped. Never rejects. */
export type TestRoutes = (test: RouteTest) => Promise<RouteAttempt[]>;
