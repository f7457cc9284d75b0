import { ExitCode } from '../../shared/exit-codes.ts';
import { isErrno } from '../host/atomic-file.ts';
import { resolvePaths, type Paths } from '../host/paths.ts';
import { rootDirectory } from '../host/root.ts';
import { Answer } from './answer.ts';
import { allowEarlyReader } from './early-reader.ts';

/**
 * Runs a command line dialect to its end: what it throws becomes a line on stderr and an exit code. A wrong call gets a
 * hint at `--help` as well.
 */
export async function runTool(
  name: string,
  run: (args: readonly string[], paths: Paths) => Promise<void>,
): Promise<void> {
  allowEarlyReader(process.stdout);
  try {
    await run(process.argv.slice(2), resolvePaths(process.platform, rootDirectory(process.env), process.env));
  } catch (error) {
    process.exitCode = exitCodeOf(error);
    const hint = process.exitCode === ExitCode.usage ? `\n(${name} --help explains the options)` : '';
    process.stderr.write(`${name}: ${error instanceof Error ? error.message : String(error)}${hint}\n`);
  }
}

function exitCodeOf(error: unknown): number {
  if (error instanceof Answer) return error.exitCode;
  return isErrno(error, 'EACCES') ? ExitCode.permission : ExitCode.failed;
}
