import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { because, noProgram } from '../../../../test/support/reason.ts';
import { loadKoffi } from '../koffi.ts';
import { loadDataProtection, type DataProtection } from './dpapi-library.ts';

/* The calls to Windows' libraries against a compiled double with their signatures, test/support/fake-windows-security.c. */

const noCompiler = noProgram('gcc', 'gcc libc6-dev');

describe.skipIf(noCompiler !== undefined)(`the calls to DPAPI${because(noCompiler)}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'wf-dpapi-'));
  const library = join(folder, 'fake-windows-security.so');
  let protection: DataProtection;

  beforeAll(() => {
    const source = join(import.meta.dirname, '../../../../test/support/fake-windows-security.c');
    execFileSync('gcc', ['-shared', '-fPIC', '-o', library, source]);
    protection = loadDataProtection(library, library);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const entropy = Buffer.from('name');

  it('carry bytes of any value there and back, and give every block back', () => {
    const every = Buffer.from(Array.from({ length: 256 }, (_, value) => value));
    const sealed = protection.protect(every, entropy);
    expect(sealed).toEqual(Buffer.concat([Buffer.from(every.map((value) => ~value)), entropy]));
    expect(protection.unprotect(sealed, entropy)).toEqual(every);
    const count = loadKoffi().load(library).func('OpenBlocks', 'int', []) as () => number;
    expect(count()).toBe(0);
  });

  it("throw Windows' error number when it refuses", () => {
    const sealed = protection.protect(Buffer.from('value'), entropy);
    expect(() => protection.unprotect(sealed, Buffer.from('other'))).toThrow(
      'CryptUnprotectData failed with error 13',
    );
  });

  it('are not there on another system', () => {
    expect(() => loadDataProtection(join(folder, 'crypt32.dll'), library)).toThrow('No such file');
  });
});
