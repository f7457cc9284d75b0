import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { because, noLinux, noProgram } from '../support/reason.ts';

const PRIORITY = fileURLToPath(new URL('../../src/collector/priority.ts', import.meta.url));

/** Lowers itself as the collector does, starts the pool of threads after that and a command, and says how each stands. */
const PROGRAM = `
  import { execFileSync } from 'node:child_process';
  import { readdirSync } from 'node:fs';
  import { readFile } from 'node:fs/promises';
  import { getPriority } from 'node:os';
  const { lowerPriority } = await import(process.argv[1]);
  lowerPriority('linux');
  const before = readdirSync('/proc/self/task');
  await readFile('/proc/self/stat');
  const threads = readdirSync('/proc/self/task').map((id) => ({
    id,
    nice: getPriority(Number(id)),
    reads: execFileSync('ionice', ['-p', id], { encoding: 'utf8' }).trim(),
  }));
  const command = execFileSync('sh', ['-c', 'nice; ionice'], { encoding: 'utf8' }).trim().split('\\n');
  console.log(JSON.stringify({ later: threads.length - before.length, threads, command }));
`;

const missing = noLinux ?? noProgram('ionice', 'util-linux');

it.skipIf(missing !== undefined)(
  `R029 a collector is below others with every thread, later ones and commands included${because(missing)}`,
  async () => {
    const run = promisify(execFile);
    const args = ['--input-type=module', '-e', PROGRAM, PRIORITY];
    const { stdout } = await run(process.execPath, args, { encoding: 'utf8' });
    const { later, threads, command } = JSON.parse(stdout) as {
      later: number;
      threads: { nice: number; reads: string }[];
      command: string[];
    };
    expect(later).toBeGreaterThan(0);
    expect(new Set(threads.map(({ nice, reads }) => `${String(nice)} ${reads}`))).toEqual(
      new Set(['10 idle']),
    );
    expect(command).toEqual(['10', 'idle']);
  },
);
