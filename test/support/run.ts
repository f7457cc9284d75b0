import { spawn, type ChildProcessByStdio } from 'node:child_process';
import type { Readable } from 'node:stream';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** Root folder of the clone, in which every program starts. */
export const CLONE = fileURLToPath(new URL('../..', import.meta.url));

/** How a program ended and what it said. */
export interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number | null;
}

export interface StartOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** In a process group of its own, as a shell starts what a person types. */
  readonly ownGroup?: boolean;
  /** Called for every line, without its end. */
  readonly sawLine?: (stream: 'stdout' | 'stderr', line: string) => void;
}

/** A program that a test has started. */
export class Running {
  readonly #child: ChildProcessByStdio<null, Readable, Readable>;
  readonly #said = { stdout: '', stderr: '' };
  readonly #ownGroup: boolean;
  /** Exit code once the process is gone, `null` after a signal. Rejects when it can't be started. */
  readonly exited: Promise<number | null>;
  /** The same once everything is read that it and its children wrote. */
  readonly ended: Promise<Outcome>;

  constructor(file: string, args: readonly string[], options: StartOptions = {}) {
    const { env = process.env, cwd = CLONE, ownGroup = false, sawLine } = options;
    this.#ownGroup = ownGroup;
    const child = spawn(file, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], detached: ownGroup });
    this.#child = child;
    for (const stream of ['stdout', 'stderr'] as const) {
      child[stream].setEncoding('utf8').on('data', (text: string) => (this.#said[stream] += text));
      if (sawLine !== undefined)
        createInterface({ input: child[stream] }).on('line', (line) => {
          sawLine(stream, line);
        });
    }
    this.exited = new Promise((resolve, reject) => child.once('error', reject).once('exit', resolve));
    this.ended = new Promise((resolve, reject) =>
      child.once('error', reject).once('close', (code) => {
        resolve({ ...this.#said, code });
      }),
    );
    // Few wait for both; whoever waits for one is told.
    this.exited.catch(() => undefined);
    this.ended.catch(() => undefined);
  }

  /** 0 where it could not be started. */
  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** What it wrote to stderr so far. */
  get stderr(): string {
    return this.#said.stderr;
  }

  /** Sends a signal; to its whole group where it has one, as Ctrl-C does. */
  signal(signal: NodeJS.Signals): void {
    if (this.#ownGroup && this.#child.pid !== undefined) process.kill(-this.#child.pid, signal);
    else this.#child.kill(signal);
  }

  /** Sends a signal and waits until the process is gone; its exit code. */
  end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    this.signal(signal);
    return this.exited;
  }
}

/** Runs a program in the clone to its end. Rejects only when it can't be started. */
export function run(
  file: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
  cwd = CLONE,
): Promise<Outcome> {
  return new Running(file, args, { env, cwd }).ended;
}

/** Runs a program of the clone in this runtime to its end. */
export function runNode(args: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<Outcome> {
  return run(process.execPath, args, env);
}
