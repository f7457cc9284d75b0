import { describe, expect, it } from 'vitest';
import type { Failure } from './failure.ts';
import type { Candidate } from './proxy/candidate.ts';
import { MAX_CANDIDATES } from './proxy/resolver.ts';
import { attemptOf, describeRoutes, namedRoutes, type TriedRoute } from './route.ts';
import { mostTelling, routeConditions } from './route-failures.ts';

const proxy = (port: number): Candidate => ({ protocol: 'http', host: 'proxy', port, source: 'PAC' });
const silent: Failure = { kind: 'transport', code: 'ECONNREFUSED', reason: 'connect' };
const asks: Failure = { kind: 'proxy', code: 'PROXY_407', reason: 'no password', schemes: ['Basic', 'NTLM'] };
const untrusted: Failure = { kind: 'tls', code: 'CERT_UNTRUSTED', reason: 'untrusted' };

function tried(...outcomes: readonly (readonly [Candidate, Failure | undefined])[]): TriedRoute[] {
  const routes = namedRoutes(outcomes.map(([candidate]) => candidate));
  return outcomes.map(([candidate, failure], n) => {
    const outcome = { ok: failure === undefined, result: '', elapsedMs: 1 };
    return { candidate, failure, attempt: attemptOf(routes[n]!, outcome) };
  });
}

describe('the failure of an exchange', () => {
  it('is that of its only route, as it is', () => {
    expect(mostTelling(tried(['direct', untrusted]))).toBe(untrusted);
  });

  it('is the one that says most, and names the others', () => {
    expect(mostTelling(tried([proxy(1), asks], [proxy(2), untrusted], ['direct', silent]))).toEqual({
      ...untrusted,
      reason: 'untrusted (proxy#2); proxy#1: PROXY_407 no password; direct: ECONNREFUSED connect',
    });
  });

  it('is the last of several alike', () => {
    const other = { ...silent, code: 'ETIMEDOUT' };
    expect(mostTelling(tried([proxy(1), silent], ['direct', other]))).toMatchObject({ code: 'ETIMEDOUT' });
  });
});

describe('the conditions that routes give cause for', () => {
  it('name a failed proxy once another route did it', () => {
    expect(routeConditions(tried([proxy(1), silent], ['direct', undefined]), [])).toEqual([
      {
        code: 'PROXY_FAILED',
        key: 'http://proxy:1',
        values: {
          proxy: 'http://proxy:1',
          source: 'PAC',
          reason: 'ECONNREFUSED connect',
          route: 'direct',
        },
      },
    ]);
    expect(routeConditions(tried([proxy(1), silent], ['direct', silent]), [])).toEqual([]);
  });

  it('name a proxy that refuses credentials, and a setting that is not valid, in any case', () => {
    const problem = { setting: 'PacUrl', source: '/etc/x', reason: 'no URL' };
    expect(routeConditions(tried([proxy(1), asks]), [problem])).toMatchObject([
      { code: 'PROXY_AUTHENTICATION', values: { schemes: 'Basic, NTLM' } },
      { code: 'PROXY_INVALID', values: problem },
    ]);
  });
});

describe('the list of routes in a line', () => {
  it('R259 is empty for the direct one alone, and else holds every one that a resolver can give', () => {
    expect(describeRoutes(namedRoutes(['direct']))).toBe('');
    const many = describeRoutes(namedRoutes(Array.from({ length: MAX_CANDIDATES }, (_, n) => proxy(n + 1))));
    expect(many.match(/proxy#\d+ http:\/\/proxy:\d+ \(PAC\)/g)).toHaveLength(MAX_CANDIDATES);
  });
});
