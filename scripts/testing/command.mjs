/** Running one tool of the verification and keeping what it said. Built-ins only. */
import { spawn } from 'node:child_process';
import { constants, setPriority } from 'node:os';
import { ROOT } from '../runtime.mjs';

/** Runs a program below all others in priority; resolves with its exit code and everything it printed, in the order it came. */
export function capture(file, args) {
  return new Promise((resolve) => {
    const child = spawn(file, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
    // There is no child where it can't be started, which is said by the event.
    if (child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_LOW);
    const output = [];
    child.stdout.on('data', (chunk) => output.push(chunk));
    child.stderr.on('data', (chunk) => output.push(chunk));
    child.once('error', (error) => resolve({ code: 1, output: error.message }));
    child.once('close', (code) =>
      resolve({ code: code ?? 1, output: Buffer.concat(output).toString('utf8') }),
    );
  });
}
