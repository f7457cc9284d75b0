import type { Command } from 'commander';
import { ExitCode } from '../../shared/exit-codes.ts';
import type { AgentStatus } from '../../shared/status.ts';
import { ControlClient } from '../control/client.ts';
import type { Paths } from '../host/paths.ts';
import { answerOf } from './answer.ts';
import { formatStatus } from './format-status.ts';

/** Adds `wayfarerctl status`: what the agent does, for people or as JSON. */
export function addStatus(program: Command, paths: Paths): void {
  program
    .command('status')
    .description('identity, phase, conditions, last and next times, queue')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
Examples:
  wayfarerctl status                          in words
  wayfarerctl status --json | jq .phase       one fact for a program

Exit codes: 0 running and registered, 4 installed but not running, 5 not installed, 6 not registered.`,
    )
    .action((options: { json?: boolean }) => status(paths, options));
}

async function status(paths: Paths, options: { readonly json?: boolean }): Promise<void> {
  const client = new ControlClient(paths.readEndpoint);
  const found = await client.status().catch((error: unknown) => {
    throw answerOf(error, paths);
  });
  process.stdout.write(
    options.json === true ? `${JSON.stringify(found, null, 2)}\n` : formatStatus(found, new Date()),
  );
  if (!isRegistered(found)) process.exitCode = ExitCode.notProvisioned;
}

/** Whether the agent is registered with a platform, as far as its status tells. */
export function isRegistered({ identity, phase }: AgentStatus): boolean {
  return identity.hostId !== null && phase !== 'not provisioned' && phase !== 'provisioning';
}
