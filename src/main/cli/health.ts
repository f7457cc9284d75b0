import type { Command } from 'commander';
import { ExitCode } from '../../shared/exit-codes.ts';
import { systemClock } from '../clock.ts';
import { lookAtHealth, type Looking } from '../diagnostics/collect.ts';
import type { Health } from '../health/health.ts';
import type { Service, Silence } from '../health/input.ts';
import { reach } from '../health/reach-by-settings.ts';
import { openNetworkMonitor } from '../host/network/open.ts';
import type { Paths } from '../host/paths.ts';
import { Trust } from '../uplink/trust.ts';
import { formatHealth } from './format-health.ts';
import { routesOf } from './tool-routes.ts';

/** Adds `wayfarerctl health`: whether the agent of this host is well, and what to do if not. */
export function addHealth(program: Command, paths: Paths): void {
  program
    .command('health')
    .description('installation, service, connection, scans: Good, or what to do next')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
Examples:
  wayfarerctl health                    what is well, what is not, and what to do about it
  wayfarerctl health --json             the same for a program
  wayfarerctl health >/dev/null && ...  in a script: go on where all is well

Exit codes: 0 Good, 1 not good, 4 not running, 5 not installed, 6 not registered, 7 no permission, 8 timeout.`,
    )
    .action((options: { json?: boolean }) => health(paths, options.json === true));
}

async function health(paths: Paths, json: boolean): Promise<void> {
  const { health: found, input } = await lookAtHealth(lookingFrom(paths));
  process.stdout.write(json ? `${JSON.stringify(found, null, 2)}\n` : formatHealth(found));
  process.exitCode = exitCodeOf(found, input.service);
}

/** How this tool looks at the host: by the proxies that the agent has, and sending nothing but the unsigned probe. */
export function lookingFrom(paths: Paths): Looking {
  return {
    paths,
    now: Date.now,
    reach: async (service, settings) => {
      const caFile = service.answers ? service.status.platform.caFile : undefined;
      const network = openNetworkMonitor({ clock: systemClock });
      const suffixes = async (): Promise<readonly string[]> => (await network.state()).dnsSuffixes;
      try {
        const routes = routesOf(paths, service, new Trust(caFile ?? settings?.caFile), suffixes);
        return await reach(paths, service, settings, routes);
      } finally {
        await network.stop();
      }
    },
  };
}

const CODES: Record<Silence, ExitCode> = {
  'not running': ExitCode.notRunning,
  'not installed': ExitCode.notInstalled,
  permission: ExitCode.permission,
  timeout: ExitCode.timeout,
  failed: ExitCode.failed,
};

/** What keeps the agent from working at all has codes of its own; everything else that is not good is 1. */
function exitCodeOf({ headline }: Health, service: Service): ExitCode {
  if (!service.answers) return CODES[service.why];
  if (service.status.identity.hostId === null) return ExitCode.notProvisioned;
  return headline === 'Good' ? ExitCode.ok : ExitCode.failed;
}
