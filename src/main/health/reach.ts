import { Deadline } from '../uplink/deadline.ts';
import { ProxyAuthentication } from '../uplink/proxy-authentication.ts';
import type { Candidate, Resolution } from '../uplink/proxy/candidate.ts';
import { testRoutes, type RouteTest } from '../uplink/test-routes.ts';
import { explainTls, inspectTls } from '../uplink/tls-inspection.ts';
import type { Trust } from '../uplink/trust.ts';
import { targetOf } from '../uplink/tunnel.ts';
import type { Connectivity, TlsView } from './input.ts';

/** Tries every route to the platform, and looks at its certificates by the first one that leads far enough. Never rejects. */
export async function reachPlatform(test: RouteTest): Promise<Connectivity> {
  const resolution = await test.resolver.resolve(new URL(test.base));
  // One resolution for both looks: a list in random order is another one each time.
  const attempts = await testRoutes({ ...test, resolver: { resolve: () => Promise.resolve(resolution) } });
  const { candidates } = resolution;
  // Where none leads to the platform, its certificate may be the reason.
  const worked = attempts.findIndex((attempt) => attempt.ok);
  const ways = worked < 0 ? candidates : candidates.slice(worked, worked + 1);
  return {
    tried: true,
    platform: test.base,
    problems: problemsOf(resolution, test.trust),
    attempts,
    tls: await firstView(ways, test),
  };
}

/** What a person has to mend although some way may lead to the platform; asked after the attempts, which read the CA file. */
function problemsOf({ problems }: Resolution, trust: Trust): string[] {
  const untrusted = trust.problem();
  return [
    ...problems.map(({ setting, source, reason }) => `${setting} in ${source}: ${reason}`),
    ...(untrusted === undefined ? [] : [`CaFile: ${untrusted}`]),
  ];
}

async function firstView(ways: readonly Candidate[], test: RouteTest): Promise<TlsView | null> {
  for (const way of ways) {
    const view = await viewBy(way, test);
    if (view !== undefined) return view;
  }
  return null;
}

async function viewBy(way: Candidate, test: RouteTest): Promise<TlsView | undefined> {
  const deadline = new Deadline(test.timeoutSec * 1000);
  try {
    const target = targetOf(new URL(test.base));
    const dialling = { trust: test.trust, authentication: new ProxyAuthentication(test.access) };
    const inspection = await inspectTls(way, target, dialling, deadline);
    return { inspection, explanation: explainTls(inspection, target.host, test.now()) };
  } catch {
    // The attempt by the same way has said why.
    return undefined;
  } finally {
    deadline.end();
  }
}
