import { Command, CommanderError } from 'commander';
import { ExitCode } from '../shared/exit-codes.ts';
import { AGENT_VERSION } from '../shared/wire.ts';
import { Answer } from './cli/answer.ts';
import { addConfig } from './cli/config.ts';
import { addDiagnostics } from './cli/diagnostics.ts';
import { allowEarlyReader } from './cli/early-reader.ts';
import { addEvents } from './cli/events.ts';
import { addHealth } from './cli/health.ts';
import { addLogs } from './cli/logs.ts';
import { addModules } from './cli/modules.ts';
import { addPrepareImage } from './cli/prepare-image.ts';
import { addProfile } from './cli/profile.ts';
import { addProvision } from './cli/provision.ts';
import { addProxy } from './cli/proxy.ts';
import { addScan } from './cli/scan.ts';
import { addStatus } from './cli/status.ts';
import { addUninstall } from './cli/uninstall.ts';
import { isErrno } from './host/atomic-file.ts';
import { resolvePaths } from './host/paths.ts';
import { rootDirectory } from './host/root.ts';

/* Entry point of `wayfarerctl`: a client of the control channel (exit codes: product, "Names"; R329). */

allowEarlyReader(process.stdout);

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
  wayfarerctl health          whether all is well, and what to do if not
  wayfarerctl scan vm --wait  scan for vulnerabilities now, until the platform has the result
  wayfarerctl proxy test      every way to the platform, and what it answers
  wayfarerctl diagnostics     one archive for support, without secrets

Exit codes: 0 running and registered, 1 failed, 2 usage, 3 refused, 4 installed but not running,
5 not installed, 6 not registered with a platform, 7 no permission, 8 timeout.`,
    );
  addStatus(program, paths);
  addHealth(program, paths);
  addScan(program, paths);
  addDiagnostics(program, paths);
  addLogs(program, paths);
  addProxy(program, paths);
  addConfig(program, paths);
  addModules(program, paths);
  addProfile(program, paths);
  addEvents(program, paths);
  addProvision(program, paths);
  addPrepareImage(program, paths);
  addUninstall(program, paths);
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
