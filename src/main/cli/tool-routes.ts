import { defaultProfile } from '../../shared/profile.ts';
import { systemClock, systemRandom } from '../clock.ts';
import type { Service } from '../health/input.ts';
import type { Paths } from '../host/paths.ts';
import { rootDirectory } from '../host/root.ts';
import { openHostRoutes, type HostRoutes, type HostRoutesOptions } from '../uplink/host-routes.ts';
import type { Trust } from '../uplink/trust.ts';

/** The routes as the agent itself has them, for a tool that tries them; by the default profile where no agent answers. */
export function routesOf(
  paths: Paths,
  service: Service,
  trust: Trust,
  suffixes: HostRoutesOptions['suffixes'],
): HostRoutes {
  const profile = service.answers ? service.status.profile : defaultProfile();

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
    profile: () => profile,
    suffixes,
  });
}
