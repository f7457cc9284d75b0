import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** How long a process may take to end by itself, ms. */
const GRACE_MS = 10_000;

/** A process that runs beside this one. Its lines on stderr, and on stdout unless somebody reads that, are shown. */
export class Child {
  readonly #process: ChildProcess;
  readonly #name: string;
  /** Resolves with how it ended. */
  readonly ended: Promise<string>;

  constructor(
    name: string,
    args: readonly string[],
    environment: NodeJS.ProcessEnv,
    show: (line: string) => void,
    readStdout?: (line: string) => void,
  ) {
    this.#name = name;
    // A process group of its own: Ctrl-C reaches this process alone, which then ends both in order.
    this.#process = spawn(process.execPath, [...args], {
      cwd: ROOT,
      env: environment,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    this.#lines(this.#process.stderr, show);
    this.#lines(this.#process.stdout, readStdout ?? show);
    this.ended = new Promise((resolve) => {
      this.#process.once('exit', (code, signal) => {
        resolve(`${name} ended with ${signal ?? `exit code ${String(code)}`}`);
      });
    });
  }

  /** Tries until it succeeds; rejects when the process is gone or after `deadlineMs`. */
  async waitUntil<T>(attempt: () => Promise<T>, deadlineMs: number): Promise<T> {
    const deadline = Date.now() + deadlineMs;
    for (;;) {
      try {
        return await attempt();
      } catch (error) {
        if (this.#process.exitCode !== null)
          throw new Error(`the ${this.#name} could not start`, { cause: error });
        if (Date.now() > deadline) throw error;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  }

  /** Asks it to end and waits; kills it when it does not. */
  async end(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    this.#process.kill('SIGTERM');
    const kill = setTimeout(() => this.#process.kill('SIGKILL'), GRACE_MS);
    await this.ended;
    clearTimeout(kill);
  }

  #lines(stream: NodeJS.ReadableStream | null, show: (line: string) => void): void {
    if (stream !== null) createInterface({ input: stream }).on('line', show);
  }
}

const Ready = z.object({
  ready: z.literal(true),
  url: z.string(),
  caFile: z.string(),
  platformKey: z.string(),
  advisories: z.number(),
});
export type Ready = z.infer<typeof Ready>;

/** Starts the platform and resolves once it serves. */
export async function startPlatform(
  environment: NodeJS.ProcessEnv,
  show: (line: string) => void,
): Promise<{ child: Child; ready: Ready }> {
  let take: (line: string) => void = () => undefined;
  const firstLine = new Promise<string>((resolve) => {
    take = resolve;
  });
  const child = new Child(
    'platform',
    ['src/platform/cli.ts', 'serve', '--json'],
    environment,
    show,
    (line) => {
      take(line);
    },
  );
  const line = await Promise.race([firstLine, child.ended.then((how) => Promise.reject(new Error(how)))]);
  return { child, ready: Ready.parse(JSON.parse(line)) };
}

/** Runs a `wayfarer-platform` command and returns what it printed as JSON. Rejects with what it said on stderr. */
export async function platformJson<T>(environment: NodeJS.ProcessEnv, args: readonly string[]): Promise<T> {
  const child = spawn(process.execPath, ['src/platform/cli.ts', '--json', ...args], {
    cwd: ROOT,
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const collect = async (stream: AsyncIterable<Buffer>): Promise<string> => {
    const parts: Buffer[] = [];
    for await (const part of stream) parts.push(part);
    return Buffer.concat(parts).toString('utf8');
  };
  const [stdout, stderr, code] = await Promise.all([
    collect(child.stdout),
    collect(child.stderr),
    new Promise<number | null>((resolve) => child.once('exit', resolve)),
  ]);
  if (code !== 0) throw new Error(`wayfarer-platform ${args.join(' ')}: ${stderr.trim()}`);
  return JSON.parse(stdout) as T;
}
