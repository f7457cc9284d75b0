import { systemClock, systemRandom } from '../clock.ts';
import type { Paths } from '../host/paths.ts';
import { rootDirectory } from '../host/root.ts';
import { openHostRoutes, type HostRoutes, type HostRoutesOptions } from '../uplink/host-routes.ts';
import type { Trust } from '../uplink/trust.ts';

/** What stands in for the profile where no agent can be asked for its own: the defaults. */
const DEFAULT_PROFILE = { wpadEnabled: false, proxyFailOpen: true };

/** The routes as the agent itself has them, for a tool that tries them. */
export function routesOf(paths: Paths, trust: Trust, suffixes: HostRoutesOptions['suffixes']): HostRoutes {
  return openHostRoutes({
    paths,
    platform: process.platform,
    environment: process.env,
    uid: process.geteuid?.(),
    moved: rootDirectory(process.env) !== undefined,
    clock: systemClock,
    random: systemRandom,
    log: { debug: () => undefined, info: () => undefined, warn: () => undefined },
    trust,
    profile: () => DEFAULT_PROFILE,
    suffixes,
  });
}
