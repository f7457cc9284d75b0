import type { Command } from 'commander';
import { ExitCode } from '../../shared/exit-codes.ts';
import { judge } from '../health/checks.ts';
import { gatherHealth } from '../health/gather.ts';
import type { Health } from '../health/health.ts';
import type { HealthInput, Service, Silence } from '../health/input.ts';
import { reach } from '../health/reach-by-settings.ts';
import type { Paths } from '../host/paths.ts';
import { formatHealth } from './format-health.ts';

/** Adds `wayfarerctl health`: whether the agent of this host is well, and what to do if not. */
export function addHealth(program: Command, paths: Paths): void {
  program
    .command('health')
    .description('installation, service, connection, scans: Good, or what to do next')
    .option('--json', 'print one JSON object')
    .action((options: { json?: boolean }) => health(paths, options.json === true));
}

async function health(paths: Paths, json: boolean): Promise<void> {
  const { found, input } = await lookAtHealth(paths);
  process.stdout.write(json ? `${JSON.stringify(found, null, 2)}\n` : formatHealth(found));
  process.exitCode = exitCodeOf(found, input.service);
}

/** The health of this host with what it was judged by. Writes nothing, and sends the unsigned probe alone. */
export async function lookAtHealth(
  paths: Paths,
): Promise<{ readonly found: Health; readonly input: HealthInput }> {
  const input = await gatherHealth({
    paths,
    platform: process.platform,
    environment: process.env,
    now: Date.now,
    reach: (service, settings) => reach(paths, service, settings),
  });
  return { found: judge(input), input };
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
