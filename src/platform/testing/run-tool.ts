import { vi } from 'vitest';
import { runProgram } from '../cli/program.ts';

/** Runs `wayfarer-platform --data DIR ARGS…` in this process: what it prints, and its exit code. One at a time. */
export async function runTool(dataDir: string, ...args: readonly string[]) {
  const written = { stdout: '', stderr: '' };
  const spies = (['stdout', 'stderr'] as const).map((stream) =>
    vi.spyOn(process[stream], 'write').mockImplementation((text) => {
      written[stream] += String(text);
      return true;
    }),
  );
  try {
    const code = await runProgram(['--data', dataDir, ...args]);
    return { code, ...written };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}
