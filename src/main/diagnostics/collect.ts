import { systemClock } from '../clock.ts';
import type { NetworkState } from '../host/network/network.ts';
import { openNetworkMonitor } from '../host/network/open.ts';
import type { Paths } from '../host/paths.ts';
import { judge } from '../health/checks.ts';
import { askService, gatherHealth } from '../health/gather.ts';
import type { Health } from '../health/health.ts';
import type { Connectivity, HealthInput, Service } from '../health/input.ts';
import type { Settings } from '../host/settings.ts';
import { writeArchive, type Contents } from './archive.ts';
import { partsOf } from './parts.ts';

/** What may be asked of the host; each may take some seconds. */
export interface Looking {
  readonly paths: Paths;
  readonly now: () => number;
  /** Tries to reach the platform. */
  readonly reach: (service: Service, settings: Settings | null) => Promise<Connectivity>;
}

/** The health of this host with what it was judged by. */
export async function lookAtHealth(
  looking: Looking,
): Promise<{ readonly health: Health; readonly input: HealthInput }> {
  const input = await gatherHealth({
    ...looking,
    platform: process.platform,
    environment: process.env,
    ask: () => askService(looking.paths),
  });
  return { health: judge(input), input };
}

/** Writes the archive for support to a new file `output`, its parts made below `workIn`. Rejects as `writeArchive`. */
export async function collectDiagnostics(
  looking: Looking,
  output: string,
  workIn: string,
): Promise<Contents> {
  const { health, input } = await lookAtHealth(looking);
  const { service } = input;
  const status = service.answers ? service.status : { unknown: `${service.why}: ${service.reason}` };
  const parts = partsOf({ paths: looking.paths, status, health, network: await networkNow() });
  return writeArchive(output, parts, looking.now(), workIn);
}

async function networkNow(): Promise<NetworkState> {
  const monitor = openNetworkMonitor({ clock: systemClock });
  try {
    return await monitor.state();
  } finally {
    await monitor.stop();
  }
}
