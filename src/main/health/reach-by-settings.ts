import { IdentityFiles } from '../host/identity.ts';
import type { Paths } from '../host/paths.ts';
import type { Settings } from '../host/settings.ts';
import type { RouteResolver } from '../uplink/proxy/candidate.ts';
import type { ProxyAccess } from '../uplink/proxy-authentication.ts';
import { Trust } from '../uplink/trust.ts';
import type { Connectivity, Service } from './input.ts';
import { reachPlatform } from './reach.ts';

/** Bounds each route, s: somebody waits for the answer. */
const TIMEOUT_SEC = 15;

/** How this host goes about proxies. */
export interface ProxyKnowledge {
  readonly resolver: RouteResolver;
  readonly access: ProxyAccess;
}

/**
 * Tries to reach the platform that the service names, else the one of the settings, with the CA file and the key that
 * can be read by this user.
 */
export async function reach(
  paths: Paths,
  service: Service,
  settings: Settings | null,
  { resolver, access }: ProxyKnowledge,
): Promise<Connectivity> {
  const told = service.answers ? service.status.platform : undefined;
  const base = told?.uri ?? settings?.webServiceUri;
  if (base === undefined) {
    const reason =
      settings === null
        ? `${paths.settingsFile} can not be read`
        : `no platform is set: name it as WebServiceUri in ${paths.settingsFile}`;
    return { tried: false, reason };
  }
  const caFile = told?.caFile ?? settings?.caFile;
  return reachPlatform({
    resolver,
    access,
    base,
    trust: new Trust(caFile),
    timeoutSec: TIMEOUT_SEC,
    platformKey: settings?.platformKey ?? pinnedKey(paths),
    now: Date.now,
  });
}

/** The key that was pinned at registration, where this user may read it. */
function pinnedKey(paths: Paths): string | undefined {
  return new IdentityFiles(paths.dataDir).registration()?.platformKey;
}
