import { spawn } from 'node:child_process';

/** The program as macOS ships it since version 13: signed with the entitlement that Endpoint Security asks for. */
export const ESLOGGER = '/usr/bin/eslogger';

/** Error output that is kept for the reason, in bytes. */
const MAX_STDERR = 4_096;

/** A run of eslogger. */
export interface EsRun {
  readonly end: () => void;
}

/** What a run calls. */
export interface EsHear {
  readonly output: (chunk: Buffer) => void;
  /** It has ended, or could not be started; what it printed as its errors. */
  readonly ended: (errors: string) => void;
}

/** Starts eslogger; tests give a program of their own. */
export type StartEslogger = (args: readonly string[], hear: EsHear) => EsRun;

/**
 * Starts it in a process group of its own: it leaves out the events of its own group, and the agent has to see its own
 * canary. No shell, nothing of the environment.
 */
export function esloggerAt(file = ESLOGGER): StartEslogger {
  return (args, { output, ended }) => {
    const child = spawn(file, [...args], {
      cwd: '/',
      env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
      shell: false,
    });
    let errors = '';
    let over = false;
    const end = (): void => {
      if (over) return;
      over = true;
      ended(errors.trim());
    };
    child.stdout.on('data', output);
    child.stderr.on('data', (chunk: Buffer) => {
      errors = (errors + chunk.toString('utf8')).slice(0, MAX_STDERR);
    });
    child.on('error', (error) => {
      errors = 'code' in error ? `${file}: ${String(error.code)}` : `${file} could not be started`;
      end();
    });
    child.on('close', end);
    return {
      end: () => {
        over = true;
        child.kill('SIGKILL');
      },
    };
  };
}
