import { Command, CommanderError } from 'commander';
import { vi } from 'vitest';
import { ExitCode } from '../../../shared/exit-codes.ts';
import type { Paths } from '../../host/paths.ts';
import { Answer } from '../answer.ts';

/** How a command ended that ran in this process. */
export interface CommandOutcome {
  readonly code: number;
  readonly stdout: string;
  /** What the entry point would print to stderr. */
  readonly reason: string;
}

/** Runs `wayfarerctl ARGS…` with the commands that `add` brings, in this process: what it prints, and its exit code. */
export async function runCommand(
  add: (program: Command, paths: Paths) => void,
  paths: Paths,
  ...args: readonly string[]
): Promise<CommandOutcome> {
  const program = new Command('wayfarerctl').exitOverride();
  program.configureOutput({ writeErr: () => undefined });
  add(program, paths);
  let stdout = '';
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    stdout += String(text);
    return true;
  });
  try {
    await program.parseAsync([...args], { from: 'user' });
    return { code: Number(process.exitCode ?? ExitCode.ok), stdout, reason: '' };
  } catch (error) {
    if (error instanceof Answer) return { code: error.exitCode, stdout, reason: error.message };
    if (error instanceof CommanderError) return { code: ExitCode.usage, stdout, reason: error.message };
    throw error;
  } finally {
    write.mockRestore();
    process.exitCode = undefined;
  }
}
