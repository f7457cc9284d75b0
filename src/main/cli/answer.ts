import { existsSync } from 'node:fs';
import { ExitCode } from '../../shared/exit-codes.ts';
import { ControlFailure } from '../control/client.ts';
import type { Paths } from '../host/paths.ts';

/** An answer that isn't "all is well": a line for people, an exit code for tools. */
export class Answer extends Error {
  readonly exitCode: number;
  /** The agent's code of a refusal, for programs. */
  readonly code: string | undefined;

  constructor(exitCode: number, message: string, code?: string) {
    super(message);
    this.exitCode = exitCode;
    this.code = code;
  }
}

/** What a tool answers when the agent could not be asked: an `Answer` for every known reason, the error itself else. */
export function answerOf(error: unknown, paths: Paths): Error {
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
      return new Answer(refusalCode(error.code), error.message, error.code);
    case 'timeout':
      return new Answer(ExitCode.timeout, error.message);
    case 'protocol':
      return new Answer(ExitCode.failed, `the agent could not be asked: ${error.message}`);
  }
}

/** A refusal that has an exit code of its own in every tool (product, "Names"). */
function refusalCode(code: string): ExitCode {
  if (code === 'NOT_PROVISIONED') return ExitCode.notProvisioned;
  return code === 'CPU_LIMIT' || code === 'ADMIN_ONLY' ? ExitCode.permission : ExitCode.refused;
}

/** The data directory is made by the installer or the first start. Without the right to look, the parent's error tells. */
function isInstalled(paths: Paths): boolean {
  return existsSync(paths.dataDir);
}
