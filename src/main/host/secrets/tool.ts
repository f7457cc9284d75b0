import { execFile } from 'node:child_process';
import { realpathSync, statSync } from 'node:fs';

/** How long a tool of the operating system may take, ms. A TPM needs seconds when others use it. */
const TIMEOUT_MS = 15_000;
const MAX_OUTPUT_BYTES = 64 * 1024;

/** A program of the operating system ended with another code than 0, by a signal, or could not be started. */
export class ToolFailed extends Error {
  override readonly name = 'ToolFailed';
  /** Its exit code; `undefined` when it had none. */
  readonly code: number | undefined;
  constructor(message: string, code: number | undefined) {
    super(message);
    this.code = code;
  }
}

/** Runs a program with arguments and text on its standard input, and gives what it wrote. Rejects with `ToolFailed`. */
export type RunTool = (file: string, args: readonly string[], input: string) => Promise<string>;

/**
 * `RunTool` for real: no shell, an environment of its own, 15 s, 64 KiB of output. What goes to standard input is in no
 * message and no process list. The reason of a failure is the last line that the program wrote to standard error.
 */
export const runTool: RunTool = (file, args, input) =>
  new Promise((resolve, reject) => {
    const child = execFile(
      file,
      [...args],
      {
        env: { PATH: '/usr/bin:/bin', LC_ALL: 'C.UTF-8' },
        timeout: TIMEOUT_MS,
        killSignal: 'SIGKILL',
        maxBuffer: MAX_OUTPUT_BYTES,
        windowsHide: true,
      },
      (error, stdout, stderr) => {
        if (error === null) resolve(stdout);
        else reject(failed(file, error, stderr));
      },
    );
    // A program that ends before it has read everything says why on standard error.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input);
  });

function failed(
  file: string,
  error: Error & { code?: unknown; killed?: boolean },
  stderr: string,
): ToolFailed {
  const code = typeof error.code === 'number' ? error.code : undefined;
  if (error.killed === true)
    return new ToolFailed(`${file} did not end within ${String(TIMEOUT_MS / 1_000)} s`, code);
  const said = stderr.trim().split('\n').at(-1) ?? '';
  return new ToolFailed(`${file}: ${said === '' ? `ended with ${String(error.code)}` : said}`, code);
}

/** The first of these absolute paths that is a program of the system: a file of root that nobody else may write. */
export function findSystemTool(paths: readonly string[]): string | undefined {
  return paths.find((path) => {
    try {
      const stat = statSync(realpathSync(path));
      return stat.isFile() && stat.uid === 0 && (stat.mode & 0o022) === 0 && (stat.mode & 0o111) !== 0;
    } catch {
      return false;
    }
  });
}
