import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { because, noProgram } from '../../../test/support/reason.ts';
import { encodeHostText } from '../text.ts';
import { loadProcessPaths } from './process-paths.ts';

/* The call to libSystem against a compiled double with its signature, test/support/fake-macos-libproc.c. */

const noCompiler = noProgram('gcc', 'gcc libc6-dev');

describe.skipIf(noCompiler !== undefined)(`the path of a process of macOS${because(noCompiler)}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'wf-libproc-'));
  const library = join(folder, 'fake-macos-libproc.so');

  beforeAll(() => {
    const source = join(import.meta.dirname, '../../../test/support/fake-macos-libproc.c');
    execFileSync('gcc', ['-shared', '-fPIC', '-o', library, source]);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('R201 is what the kernel has, whatever bytes it has', () => {
    const found = loadProcessPaths(library)(7);
    expect('path' in found && encodeHostText(found.path, 'darwin')).toBe('/opt/%FF');
  });

  it('is an error by its name where there is no such process', () => {
    expect(loadProcessPaths(library)(8)).toEqual({ error: 'ESRCH' });
  });
});
