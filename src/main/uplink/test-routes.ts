import type { RouteAttempt } from '../../shared/proxy.ts';
import { Deadline } from './deadline.ts';
import { describeFailure, failureOf } from './failure.ts';
import { probe, type ProbeAnswer } from './probe.ts';
import { ProxyAuthentication, type ProxyAccess } from './proxy-authentication.ts';
import type { Candidate, RouteResolver } from './proxy/candidate.ts';
import { attemptOf, namedRoutes } from './route.ts';
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
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** Tries every candidate with the unsigned probe, in their order, none skipped. Never rejects. */
export async function testRoutes(test: RouteTest): Promise<RouteAttempt[]> {
  const { candidates } = await test.resolver.resolve(new URL(test.base));
  const authentication = new ProxyAuthentication(test.access);
  const attempts: RouteAttempt[] = [];
  for (const route of namedRoutes(candidates)) {
    const startedAt = test.now();
    const tried = await outcomeOf(route.candidate, test, authentication);
    attempts.push(attemptOf(route, { ...tried, elapsedMs: test.now() - startedAt }));
  }
  return attempts;
}

async function outcomeOf(
  candidate: Candidate,
  { base, trust, platformKey, timeoutSec }: RouteTest,
  authentication: ProxyAuthentication,
): Promise<{ ok: boolean; result: string }> {
  const deadline = new Deadline(timeoutSec * 1000);
  try {
    const dialling = { trust, authentication };
    const answer = await probe(candidate, new URL(base), platformKey, dialling, deadline, timeoutSec * 1000);
    return { ok: answer.signature === 'verified' || answer.signature === 'no key', result: worded(answer) };
  } catch (error) {
    return { ok: false, result: describeFailure(failureOf(error)) };
  } finally {
    deadline.end();
  }
}

function worded({ status, signature }: ProbeAnswer): string {
  switch (signature) {
    case 'verified':
      return `HTTP ${status}, signed by the pinned platform key`;
    case 'no key':
      return `HTTP ${status}, signed; no platform key is pinned yet to verify it`;
    case 'unknown key':
      return `HTTP ${status}, but the signature is not the pinned platform's`;
    case 'absent':
      return `HTTP ${status}, but without the platform's signature: somebody else answers`;
  }
}
