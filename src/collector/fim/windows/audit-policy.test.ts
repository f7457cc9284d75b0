import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { because, noProgram } from '../../../../test/support/reason.ts';
import { loadKoffi } from '../../native/koffi.ts';
import { howToAudit, loadAuditPolicy, type AuditPolicy } from './audit-policy.ts';

/* The call to advapi32.dll against a compiled double with its signature, test/support/fake-windows-audit.c. */

const noCompiler = noProgram('gcc', 'gcc libc6-dev');

describe.skipIf(noCompiler !== undefined)(`the audit policy of Windows${because(noCompiler)}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'wf-audit-'));
  const library = join(folder, 'fake-windows-audit.so');
  let policy: () => AuditPolicy;

  beforeAll(() => {
    const source = join(import.meta.dirname, '../../../../test/support/fake-windows-audit.c');
    execFileSync('gcc', ['-shared', '-fPIC', '-o', library, source]);
    policy = loadAuditPolicy(library, library);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const called = (signature: string): unknown =>
    (loadKoffi().load(library).func(signature) as unknown as () => unknown)();

  it('R201 R208 is asked for by number, and what was given is freed', () => {
    expect(policy()).toEqual({ starts: true, ends: false, files: false, registry: true });
    expect(called('int32 Held()')).toBe(0);
  });

  it("throws Windows' error number where it may not be read", () => {
    called('void Refuse()');
    expect(policy).toThrow("the audit policy can't be read: error 1314");
  });

  it('says what to turn on', () => {
    expect(howToAudit(['starts', 'ends'])).toBe(
      'turn on "Process Creation" and "Process Termination" (Success) in the advanced audit policy',
    );
  });
});
