import { CommanderError } from 'commander';
import { ExitCode } from '../shared/exit-codes.ts';
import { Answer } from './cli/answer.ts';
import { allowEarlyReader } from './cli/early-reader.ts';
import { buildProgram } from './cli/program.ts';
import { isErrno } from './host/atomic-file.ts';
import { resolvePaths } from './host/paths.ts';
import { rootDirectory } from './host/root.ts';

/* Entry point of `wayfarerctl`: a client of the control channel (exit codes: product, "Names"; R329). */

allowEarlyReader(process.stdout);

async function run(argv: readonly string[]): Promise<void> {
  const paths = resolvePaths(process.platform, rootDirectory(process.env), process.env);
  await buildProgram(paths).parseAsync([...argv], { from: 'user' });
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
