import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { because, noProgram } from '../../../../test/support/reason.ts';
import { loadKoffi } from '../../host/koffi.ts';
import { SspiContext } from './sspi.ts';
import { loadSspiLibrary, type SspiLibrary } from './sspi-library.ts';

/* The calls to secur32.dll against a compiled double with their signatures, test/support/fake-windows-security.c. */

const noCompiler = noProgram('gcc', 'gcc libc6-dev');

describe.skipIf(noCompiler !== undefined)(`the calls to SSPI${because(noCompiler)}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'wf-sspi-'));
  const library = join(folder, 'fake-windows-security.so');
  let sspi: SspiLibrary;

  beforeAll(() => {
    const source = join(import.meta.dirname, '../../../../test/support/fake-windows-security.c');
    execFileSync('gcc', ['-shared', '-fPIC', '-o', library, source]);
    sspi = loadSspiLibrary(library);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const openHandles = (): number =>
    (loadKoffi().load(library).func('OpenHandles', 'int', []) as () => number)();

  it('carry tokens there and back, handles over both steps, and give every handle back', async () => {
    const context = new SspiContext(sspi, 'proxy.test');
    expect((await context.step(undefined)).toString()).toBe('first');
    expect((await context.step(Buffer.from('a challenge'))).toString()).toBe('answer to a challenge');
    expect(openHandles()).toBe(2);
    context.release();
    expect(openHandles()).toBe(0);
  });

  it('pass a refusal on as a status below 0', async () => {
    const context = new SspiContext(sspi, 'elsewhere.test');
    await expect(context.step(undefined)).rejects.toThrow('SEC_E_TARGET_UNKNOWN');
    context.release();
    expect(openHandles()).toBe(0);
  });

  it('keep apart what several handshakes do at once', async () => {
    const contexts = Array.from({ length: 20 }, () => new SspiContext(sspi, 'proxy.test'));
    await Promise.all(contexts.map((context) => context.step(undefined)));
    const answers = await Promise.all(contexts.map((context, n) => context.step(Buffer.from(`${n}`))));
    expect(answers.map(String)).toEqual(contexts.map((_, n) => `answer to ${n}`));
    for (const context of contexts) context.release();
    expect(openHandles()).toBe(0);
  });
});
