/** Running one tool of the verification and keeping what it said. Built-ins only. */
import { spawn } from 'node:child_process';
import { ROOT } from '../runtime.mjs';

/** Runs a program; resolves with its exit code and everything it printed, in the order it came. */
export function capture(file, args) {
  return new Promise((resolve) => {
    const child = spawn(file, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
    const output = [];
    child.stdout.on('data', (chunk) => output.push(chunk));
    child.stderr.on('data', (chunk) => output.push(chunk));
    child.once('error', (error) => resolve({ code: 1, output: error.message }));
    child.once('close', (code) =>
      resolve({ code: code ?? 1, output: Buffer.concat(output).toString('utf8') }),
    );
  });
}
