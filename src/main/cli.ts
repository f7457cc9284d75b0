import { existsSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { ExitCode } from '../shared/exit-codes.ts';
import { AGENT_VERSION } from '../shared/wire.ts';
import { formatStatus } from './cli/format-status.ts';
import { ControlClient, ControlFailure } from './control/client.ts';
import { isErrno } from './host/atomic-file.ts';
import { resolvePaths, type Paths } from './host/paths.ts';
import { rootDirectory } from './host/root.ts';

/* Entry point of `wayfarerctl`: a client of the control channel (exit codes: product, "Names"; R329). */

/** An answer that isn't "all is well": a line for people, an exit code for tools. */
class Answer extends Error {
  readonly exitCode: number;

  constructor(exitCode: number, message: string) {
    super(message);
    this.exitCode = exitCode;
  }
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

function answerOf(error: unknown, paths: Paths): Error {
  if (!(error instanceof ControlFailure)) return error instanceof Error ? error : new Error(String(error));
  switch (error.kind) {
    case 'not running':
      return isInstalled(paths)
        ? new Answer(
            ExitCode.notRunning,
            `the agent is installed but does not run (${error.message}); start its service`,
          )
        : new Answer(ExitCode.notInstalled, `the agent is not installed: there is no ${paths.dataDir}`);
    case 'permission':
      return new Answer(ExitCode.permission, error.message);
    case 'refused':
      return new Answer(ExitCode.refused, error.message);
    case 'timeout':
      return new Answer(ExitCode.timeout, error.message);
    case 'protocol':
      return new Answer(ExitCode.failed, `the agent could not be asked: ${error.message}`);
  }
}

/** A reader that has seen enough (`| head -1`) is no failure. */
process.stdout.on('error', (error) => {
  if (!isErrno(error, 'EPIPE')) throw error;
});

/** The data directory is made by the installer or the first start. Without the right to look, the parent's error tells. */
function isInstalled(paths: Paths): boolean {
  return existsSync(paths.dataDir);
}

async function run(argv: readonly string[]): Promise<void> {
  const paths = resolvePaths(process.platform, rootDirectory(process.env), process.env);
  const program = new Command('wayfarerctl')
    .description('Asks the Wayfarer agent of this host.')
    .version(AGENT_VERSION)
    .exitOverride()
    .showHelpAfterError('(wayfarerctl --help lists the commands)')
    .addHelpText(
      'after',
      `
Examples:
  wayfarerctl status          what the agent does, in words
  wayfarerctl status --json   the same for a program

Exit codes: 0 running and registered, 1 failed, 2 usage, 3 refused, 4 installed but not running,
5 not installed, 6 not registered with a platform, 7 no permission, 8 timeout.`,
    );
  program
    .command('status')
    .description('identity, phase, conditions, last and next times, queue')
    .option('--json', 'print one JSON object')
    .action((options: { json?: boolean }) => status(paths, options));
  await program.parseAsync([...argv], { from: 'user' });
}

try {
  await run(process.argv.slice(2));
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? ExitCode.ok : ExitCode.usage;
  } else {
    process.stderr.write(`wayfarerctl: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode =
      error instanceof Answer
        ? error.exitCode
        : isErrno(error, 'EACCES')
          ? ExitCode.permission
          : ExitCode.failed;
  }
}
