import { describe, expect, it } from 'vitest';
import type { ProxySource } from '../../shared/proxy.ts';
import type { Failure } from '../uplink/failure.ts';
import type { TriedRoute } from '../uplink/route.ts';
import { ConditionBook } from './condition-book.ts';
import type { Context } from './context.ts';
import { RouteConditions } from './route-conditions.ts';

const NOW = 1_000_000;
const refused: Failure = { kind: 'transport', code: 'ECONNREFUSED', reason: 'connect ECONNREFUSED' };
const asks: Failure = {
  kind: 'proxy',
  code: 'PROXY_407',
  reason: 'the proxy wants authentication',
  schemes: ['Negotiate', 'Basic'],
};

function tried(n: number, failure?: Failure, source: ProxySource = 'configured'): TriedRoute {
  const ok = failure === undefined;
  return {
    candidate: { protocol: 'http', host: `p${n}`, port: 80, source },
    attempt: { route: `proxy#${n}`, proxy: `http://p${n}:80`, source, ok, result: '', elapsedMs: 1 },
    failure,
  };
}

function direct(failure?: Failure): TriedRoute {
  const ok = failure === undefined;
  return {
    candidate: 'direct',
    attempt: { route: 'direct', proxy: null, source: null, ok, result: '', elapsedMs: 1 },
    failure,
  };
}

function opened() {
  const conditions = new ConditionBook(() => undefined);
  const routes = new RouteConditions({ conditions, clock: { now: () => NOW } } as Context);
  const shown = (): string[] => conditions.shown(NOW + 60_000).map(({ code, text }) => `${code}: ${text}`);
  return { routes, shown };
}

describe('what is said of proxies', () => {
  it('R260 names each proxy that was passed over, its source, why, and the way that was used', () => {
    const { routes, shown } = opened();
    routes.note([tried(1, refused), tried(2, refused, 'PAC'), direct()], []);
    expect(shown()).toEqual([
      expect.stringMatching(/^PROXY_FAILED: http:\/\/p1:80 \(configured\): ECONNREFUSED.* via direct\./),
      expect.stringMatching(/^PROXY_FAILED: http:\/\/p2:80 \(PAC\): ECONNREFUSED.* via direct\./),
    ]);
  });

  it('is nothing where the first one works, and ends when it works again', () => {
    const { routes, shown } = opened();
    routes.note([tried(1)], []);
    expect(shown()).toEqual([]);
    routes.note([tried(1, refused), direct()], []);
    expect(shown()).toHaveLength(1);
    routes.note([tried(1)], []);
    expect(shown()).toEqual([]);
  });

  it('is left to the exchange where no way worked, but for a proxy that wants credentials', () => {
    const { routes, shown } = opened();
    routes.note([tried(1, refused), direct(refused)], []);
    expect(shown()).toEqual([]);
    routes.note([tried(1, asks), direct(refused)], []);
    expect(shown()).toEqual([expect.stringContaining('it offers Negotiate, Basic: PROXY_407')]);
  });

  it('names what is wrong with the settings until it is mended', () => {
    const { routes, shown } = opened();
    const problem = { setting: 'https_proxy', source: '/etc/environment:3', reason: 'has no port' };
    routes.note([direct()], [problem, { ...problem, setting: 'PacUrl' }]);
    expect(shown()).toEqual([
      expect.stringContaining('PROXY_INVALID: https_proxy in /etc/environment:3: has no port.'),
      expect.stringContaining('PROXY_INVALID: PacUrl in /etc/environment:3: has no port.'),
    ]);
    routes.note([direct()], [problem]);
    expect(shown()).toHaveLength(1);
    routes.note([direct()], []);
    expect(shown()).toEqual([]);
  });

  it('is said anew, in the log too, when a setting is wrong in another way than before', () => {
    const said: string[] = [];
    const conditions = new ConditionBook((code, raised, text) => {
      said.push(`${raised ? 'raised' : 'cleared'} ${code}: ${text}`);
    });
    const routes = new RouteConditions({ conditions, clock: { now: () => NOW } } as Context);
    const problem = { setting: 'https_proxy', source: '/etc/environment:3', reason: 'has no port' };
    routes.note([direct()], [problem]);
    routes.note([direct()], [problem]);
    routes.note([direct()], [{ ...problem, reason: 'holds credentials' }]);
    expect(said).toEqual([
      expect.stringMatching(/^raised PROXY_INVALID: .* has no port\./),
      expect.stringMatching(/^raised PROXY_INVALID: .* holds credentials\./),
      expect.stringMatching(/^cleared PROXY_INVALID: .* has no port\./),
    ]);
    expect(conditions.shown(NOW)).toHaveLength(1);
  });
});
