import { execFile } from 'node:child_process';

/** A command of the system that only reads. `file` is an absolute path, `args` is fixed text of this program. */
export interface Command {
  readonly file: string;
  readonly args: readonly string[];
}

/** Time that a command may take and characters it may print. */
const TIMEOUT_MS = 20_000;
const MAX_BUFFER = 1024 * 1024;

/** What a command printed; `undefined` when it is missing, late, too loud or ends with an error. No shell, C locale. */
export function outputOf({ file, args }: Command, signal: AbortSignal): Promise<string | undefined> {
  const options = {
    encoding: 'utf8' as const,
    env: { LC_ALL: 'C', SystemRoot: 'C:\\Windows' },
    killSignal: 'SIGKILL' as const,
    maxBuffer: MAX_BUFFER,
    signal,
    timeout: TIMEOUT_MS,
    windowsHide: true,
  };
  return new Promise((resolve) => {
    try {
      execFile(file, [...args], options, (error, stdout) => {
        resolve(error === null ? stdout : undefined);
      });
    } catch {
      resolve(undefined);
    }
  });
}
