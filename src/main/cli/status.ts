import type { Command } from 'commander';
import { ExitCode } from '../../shared/exit-codes.ts';
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
  if (found.identity.hostId === null || found.phase === 'not provisioned' || found.phase === 'provisioning') {
    process.exitCode = ExitCode.notProvisioned;
  }
}
