import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { because, noProgram } from '../../../../test/support/reason.ts';
import { loadKoffi } from '../../native/koffi.ts';
import { decodeJournal, encodeRead } from './usn.ts';
import { loadVolumes, type OpenVolume } from './volume.ts';

/* The calls to kernel32.dll against a compiled double with their signatures, test/support/fake-windows-volume.c. */

const noCompiler = noProgram('gcc', 'gcc libc6-dev');

describe.skipIf(noCompiler !== undefined)(`the calls to a volume of Windows${because(noCompiler)}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'wf-volume-'));
  const library = join(folder, 'fake-windows-volume.so');
  let open: OpenVolume;

  beforeAll(() => {
    const source = join(import.meta.dirname, '../../../../test/support/fake-windows-volume.c');
    execFileSync('gcc', ['-shared', '-fPIC', '-o', library, source]);
    open = loadVolumes(library);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const openHandles = (): number =>
    (loadKoffi().load(library).func('OpenHandles', 'int', []) as () => number)();

  it('R208 query and read its journal, and give the handle back', () => {
    const volume = open('C');
    const answer = volume.query();
    expect('bytes' in answer && decodeJournal(answer.bytes)).toEqual({
      id: 7n,
      firstUsn: 100n,
      nextUsn: 200n,
    });
    const question = encodeRead(7n, 100n);
    expect(volume.read(question)).toEqual({ bytes: Buffer.concat([Buffer.alloc(8, 1), question]) });
    expect(volume.read(encodeRead(13n, 100n))).toEqual({ error: 1_181 });
    volume.close();
    expect(openHandles()).toBe(0);
  });

  it('find a directory by its number of 8 or 16 bytes, and close it', () => {
    const volume = open('C');
    expect(volume.find('0500000000000000')).toEqual({ path: 'C:\\Users' });
    expect(volume.find(`05${'00'.repeat(14)}09`)).toEqual({ path: 'C:\\Users' });
    expect(volume.find('0600000000000000')).toEqual({ error: 5 });
    expect(volume.find('0700000000000000')).toEqual({ gone: true });
    expect(volume.find('0800000000000000')).toEqual({ gone: true });
    volume.close();
    expect(openHandles()).toBe(0);
  });

  it("throw Windows' error number where a volume can't be opened", () => {
    expect(() => open('D')).toThrow("the volume D: can't be opened: error 5");
  });

  it('are not there on another system', () => {
    expect(() => loadVolumes(join(folder, 'kernel32.dll'))).toThrow('No such file');
  });
});
