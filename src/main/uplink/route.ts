import type { RouteAttempt } from '../../shared/proxy.ts';
import type { Failure } from './failure.ts';
import { proxyUrl, type Candidate } from './proxy/candidate.ts';

/** One of the ways to the platform, with its name in logs and status: `direct`, `proxy#1`. */
export interface Route {
  readonly name: string;
  readonly candidate: Candidate;
}

/** A route that was tried, how it went, and the failure as it can be told apart. */
export interface TriedRoute {
  readonly candidate: Candidate;
  readonly attempt: RouteAttempt;
  readonly failure: Failure | undefined;
}

/** Candidates with their names: proxies by their place in the list, from 1. */
export function namedRoutes(candidates: readonly Candidate[]): Route[] {
  return candidates.map((candidate, index) => {
    return { candidate, name: candidate === 'direct' ? 'direct' : `proxy#${index + 1}` };
  });
}

/** A route as failures and lists show it: `proxy#1 http://host:port (PAC)`, `direct`. */
export function describeRoute({ name, candidate }: Route): string {
  return candidate === 'direct' ? name : `${name} ${proxyUrl(candidate)} (${candidate.source})`;
}

/** All routes of a connection for the log (R259), 16 at most as the resolver gives them; empty where there is only the direct one. */
export function describeRoutes(routes: readonly Route[]): string {
  if (routes.every(({ candidate }) => candidate === 'direct')) return '';
  return `, routes: ${routes.map(describeRoute).join(', ')}`;
}

/** An attempt as log, status and tools show it. */
export function attemptOf(
  { name, candidate }: Route,
  outcome: { readonly ok: boolean; readonly result: string; readonly elapsedMs: number },
): RouteAttempt {
  const direct = candidate === 'direct';
  return {
    route: name,
    proxy: direct ? null : proxyUrl(candidate),
    source: direct ? null : candidate.source,
    ...outcome,
    // A clock may be set back in between.
    elapsedMs: Math.max(0, outcome.elapsedMs),
  };
}
