import type { ConditionCode } from '../../shared/conditions.ts';
import { describeFailure, type Failure } from './failure.ts';
import { proxyUrl, type ProxyProblem } from './proxy/candidate.ts';
import type { TriedRoute } from './route.ts';

/** What says most about the trouble when several routes failed: whoever answered wrongly before whoever was silent. */
const TELLING: Record<Failure['kind'], number> = {
  transport: 0,
  proxy: 1,
  tls: 2,
  portal: 3,
  api: 4,
  unverified: 4,
};

/** Longest text about the other routes, characters. */
const MAX_OTHERS = 500;

/** The failure that stands for an exchange of which every route failed; its reason names the other routes too. */
export function mostTelling(tried: readonly TriedRoute[]): Failure {
  const failed = tried.flatMap(({ attempt, failure }) =>
    failure === undefined ? [] : [{ attempt, failure }],
  );
  const chosen = failed.reduce<(typeof failed)[number] | undefined>(
    (best, next) =>
      best === undefined || TELLING[next.failure.kind] >= TELLING[best.failure.kind] ? next : best,
    undefined,
  );
  if (chosen === undefined) return { kind: 'transport', code: '', reason: 'there is no route' };
  const others = failed
    .filter((other) => other !== chosen)
    .map(({ attempt, failure }) => `; ${attempt.route}: ${describeFailure(failure)}`)
    .join('');
  const { failure, attempt } = chosen;
  if (others === '' || !('reason' in failure)) return failure;
  return { ...failure, reason: `${failure.reason} (${attempt.route})${others.slice(0, MAX_OTHERS)}` };
}

/** A condition that the routes give cause for; `key` tells several of one code apart. */
export interface RouteCondition {
  readonly code: Extract<ConditionCode, 'PROXY_FAILED' | 'PROXY_AUTHENTICATION' | 'PROXY_INVALID'>;
  readonly key: string;
  readonly values: Readonly<Record<string, string>>;
}

/**
 * The conditions that hold after a new connection was tried: a proxy that refuses credentials and a setting that is not
 * valid in any case, any other failed proxy only where another route did it: else the platform's condition says it all.
 */
export function routeConditions(
  tried: readonly TriedRoute[],
  problems: readonly ProxyProblem[],
): RouteCondition[] {
  const route = tried.find(({ attempt }) => attempt.ok)?.attempt.route;
  const failed = tried.flatMap(({ candidate, failure }): RouteCondition[] => {
    if (candidate === 'direct' || failure === undefined) return [];
    const proxy = proxyUrl(candidate);
    const values = { proxy, source: candidate.source, reason: describeFailure(failure) };
    if (failure.kind === 'proxy' && failure.schemes !== undefined) {
      const schemes = failure.schemes.join(', ') || 'no scheme';
      return [{ code: 'PROXY_AUTHENTICATION', key: proxy, values: { ...values, schemes } }];
    }
    return route === undefined ? [] : [{ code: 'PROXY_FAILED', key: proxy, values: { ...values, route } }];
  });
  const invalid = problems.map(({ setting, source, reason }): RouteCondition => {
    // With its reason: what is wrong in another way than before is news.
    const key = `${setting} ${source} ${reason}`;
    return { code: 'PROXY_INVALID', key, values: { setting, source, reason } };
  });
  return [...failed, ...invalid];
}
