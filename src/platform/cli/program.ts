import { mkdirSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { ExitCode } from '../../shared/exit-codes.ts';
import { AGENT_VERSION } from '../../shared/wire.ts';
import { agentCommands, keyCommands, profileCommands, whole, withAdmin } from './commands.ts';
import { eventCommands } from './events.ts';
import { logsCommand } from './logs.ts';
import { manifestCommands } from './manifests.ts';
import { Ended, failure, print } from './output.ts';
import { correlationCommands } from './scan-merge.ts';
import type { ServeOptions } from './serve.ts';
import { defaultDataDir } from '../paths.ts';

const EXAMPLES = `
Examples:
  wayfarer-platform init                                    customer and activation key, printed
  wayfarer-platform serve                                   run until Ctrl-C
  wayfarer-platform keys create --title Laptops --modules AI,VM --tags Office --max-agents 50
  wayfarer-platform profiles create name=Rollout preset=LOW --include-tags Office --position 0
  wayfarer-platform show my-laptop
  wayfarer-platform findings my-laptop --json
  wayfarer-platform command my-laptop RESYNC types=Inventory
  wayfarer-platform events --host my-laptop --path /etc --since 2027-01-31

Exit codes: 0 ok, 1 failed, 2 usage, 3 refused, 7 permission.`;

function programOf(): Command {
  const program = new Command('wayfarer-platform')
    .description('The embedded Wayfarer platform: serve agents, administer them')
    .version(AGENT_VERSION)
    .option('--data <dir>', 'data directory', defaultDataDir(process.env))
    .option('--json', 'one JSON line instead of text', false)
    .addHelpText('after', EXAMPLES)
    .exitOverride();
  program
    .command('serve')
    .description('serve agents until SIGTERM or SIGINT')
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--port <n>', 'port; a free one at first start, kept afterwards', whole)
    .option('--advisories <dir>', 'OSV records; the samples that come with the platform unless given')
    .action(async (_, command: Command) => {
      // Server and certificate libraries are loaded only where they are used.
      const { serve } = await import('./serve.ts');
      await serve(command.optsWithGlobals<ServeOptions>());
    });
  program
    .command('init')
    .description('make a customer and an activation key if there are none; prints their ids')
    .action((_, command: Command) => {
      const { data, json } = command.optsWithGlobals<ServeOptions>();
      mkdirSync(data, { recursive: true, mode: 0o755 });
      const { customer, key } = withAdmin(data, (admin) => admin.init());
      const ids = { customerId: customer.id, activationId: key.id };
      print(json, ids, () => `CustomerId=${ids.customerId}\nActivationId=${ids.activationId}`);
    });
  keyCommands(program);
  profileCommands(program);
  manifestCommands(program);
  agentCommands(program);
  eventCommands(program);
  logsCommand(program);
  correlationCommands(program);
  return program;
}

/** Exit code of what commander threw: help and version are no failures, the rest is wrong usage. */
function codeOf(error: unknown): ExitCode {
  if (error instanceof Ended) return error.code;
  if (!(error instanceof CommanderError)) return failure(error);
  return error.exitCode === 0 ? ExitCode.ok : ExitCode.usage;
}

/** Runs `wayfarer-platform ARGS…` to its end: answers go to stdout, reasons to stderr; the exit code. */
export async function runProgram(args: readonly string[]): Promise<ExitCode> {
  try {
    await programOf().parseAsync([...args], { from: 'user' });
    return ExitCode.ok;
  } catch (error) {
    return codeOf(error);
  }
}
