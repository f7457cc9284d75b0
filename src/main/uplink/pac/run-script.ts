import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { PacOutcome, WHOLE_MS, type PacJob } from './job.ts';

/** Runs one proxy script apart from the agent. Never rejects; ends in bounded time. */
export type RunScript = (job: PacJob) => Promise<PacOutcome>;

/** Most output that is believed, bytes: an outcome is far smaller. */
const MAX_OUTPUT = 128 * 1024;

/**
 * Options for the runtime: a small heap beside the engine's own, and none of Node's ways to write files or start
 * programs, should a script ever break out of its engine.
 */
const RUNTIME_ARGV = [
  '--max-semi-space-size=1',
  '--max-old-space-size=64',
  '--permission',
  '--allow-fs-read=*',
] as const;

/** What the process needs of the agent's environment: Windows can't open sockets without its root, dates need the zone. */
const ENVIRONMENT = ['SystemRoot', 'TZ'] as const;

/** The runner stands beside this file, as source or as bundle. */
export function runnerEntry(here = import.meta.url): string {
  return fileURLToPath(new URL(here.endsWith('.ts') ? 'main.ts' : 'pac-runner.mjs', here));
}

/**
 * Runs each script in a process of its own, which is killed when it has answered or its time is over. A process, not a
 * thread: some built-in functions of the engine loop for hours without looking at a clock, and what a thread has taken
 * the service would keep. `entry` is the absolute path of the runner, `wholeMs` the time it has, ms.
 */
export function runInProcess(entry = runnerEntry(), wholeMs = WHOLE_MS): RunScript {
  return (job) =>
    new Promise((resolve) => {
      const child = start(entry);
      if ('reason' in child) {
        resolve(child);
        return;
      }
      const kill = (): void => {
        child.kill('SIGKILL');
      };
      const end = (outcome: PacOutcome): void => {
        clearTimeout(deadline);
        process.off('exit', kill);
        kill();
        resolve(outcome);
      };
      // An agent that ends takes it along: nobody else would stop it.
      process.once('exit', kill);
      const deadline = setTimeout(() => {
        end({ reason: `the script did not end within ${wholeMs / 1000} s` });
      }, wholeMs);
      child.once('error', (error) => {
        end({ reason: `no process for the script: ${error.message}` });
      });
      child.once('close', () => {
        end({ reason: 'the process of the script broke off' });
      });
      readLine(child, end);
      // A child that is gone can't be told; its end is reported as such.
      child.stdin?.on('error', () => undefined).end(JSON.stringify(job));
    });
}

/** Starts the runner. Most failures come as an event and without pipes, some are thrown. */
function start(entry: string): ChildProcess | { readonly reason: string } {
  try {
    return spawn(process.execPath, [...RUNTIME_ARGV, entry], {
      stdio: ['pipe', 'pipe', 'ignore'],
      env: Object.fromEntries(
        ENVIRONMENT.flatMap((name) => {
          const value = process.env[name];
          return value === undefined ? [] : [[name, value]];
        }),
      ),
      windowsHide: true,
    });
  } catch (error) {
    return { reason: `no process for the script: ${(error as Error).message}` };
  }
}

function readLine(child: ChildProcess, end: (outcome: PacOutcome) => void): void {
  let output = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    if (output.length > MAX_OUTPUT) end({ reason: 'the process of the script said too much' });
    else if (output.endsWith('\n')) end(readOutcome(output));
  });
}

function readOutcome(line: string): PacOutcome {
  try {
    return PacOutcome.parse(JSON.parse(line));
  } catch {
    return { reason: 'the process of the script gave an answer that is none' };
  }
}
