import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { because, noProgram } from '../../../../test/support/reason.ts';
import { loadKoffi } from '../../native/koffi.ts';
import { loadRegistryKeys, type OpenKey, type OpenRegistryKey } from './registry-keys.ts';

/* The calls to advapi32.dll against a compiled double with their signatures, test/support/fake-windows-registry.c. */

const noCompiler = noProgram('gcc', 'gcc libc6-dev');

describe.skipIf(noCompiler !== undefined)(`keys of the Windows registry${because(noCompiler)}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'wf-registry-keys-'));
  const library = join(folder, 'fake-windows-registry.so');
  let open: OpenRegistryKey;

  beforeAll(() => {
    const source = join(import.meta.dirname, '../../../../test/support/fake-windows-registry.c');
    execFileSync('gcc', ['-shared', '-fPIC', '-o', library, source]);
    open = loadRegistryKeys(library);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const opened = (key: string, follow = true): OpenKey => {
    const found = open(key, follow);
    if ('error' in found) throw new Error(`error ${found.error}`);
    return found;
  };
  const openHandles = (): number =>
    (loadKoffi().load(library).func('OpenHandles', 'int', []) as () => number)();

  it('R206 give their subkeys and values with the longest names there can be, and are closed', () => {
    const key = opened('HKLM\\SOFTWARE\\Key');
    expect([0, 1, 2].map((index) => key.subkey(index))).toEqual([
      { name: 'One' },
      { name: 'n'.repeat(255) },
      { error: 259 },
    ]);
    expect([0, 1, 2, 3].map((index) => key.value(index))).toEqual([
      { name: '', kind: 1, size: 4 },
      { name: 'n'.repeat(16_383), kind: 3, size: 0 },
      { name: 'Late', kind: 3, size: 2 },
      { error: 259 },
    ]);
    expect(key.dataAt(0, 4)).toEqual({ kind: 1, data: Buffer.from('a\0', 'utf16le') });
    expect(key.dataAt(1, 0)).toEqual({ kind: 3, data: Buffer.alloc(0) });
    expect(key.written()).toEqual({ time: 0x0123456789abcdefn });
    key.close();
    expect(openHandles()).toBe(0);
  });

  it('give a value by its name, and say where it is longer than it was', () => {
    const key = opened('HKLM\\SOFTWARE\\Key');
    expect(key.valueOf('')).toEqual({ name: '', kind: 1, size: 4 });
    expect(key.dataOf('', 4)).toEqual({ kind: 1, data: Buffer.from('a\0', 'utf16le') });
    expect([key.dataOf('Late', 2), key.dataAt(2, 2), key.valueOf('None')]).toEqual([
      { error: 234 },
      { error: 234 },
      { error: 2 },
    ]);
    expect(key.valueOf('\0Late')).toEqual({ error: 123 });
    key.close();
  });

  it('are opened as the links that they are unless they are followed, hives without being opened', () => {
    const link = opened('HKU\\Link', false);
    expect(link.written()).toEqual({ time: 7n });
    link.close();
    expect(open('HKU\\Link', true)).toEqual({ error: 5 });
    expect(open('HKCR\\Link', false)).toEqual({ error: 123 });
    expect(open('HKLM\\SOFTWARE\\Key\0', true)).toEqual({ error: 123 });
    const hive = opened('hku');
    expect(hive.subkey(0)).toEqual({ name: '3' });
    hive.close();
    expect(openHandles()).toBe(0);
  });

  it('are not there on another system', () => {
    expect(() => loadRegistryKeys(join(folder, 'advapi32.dll'))).toThrow('No such file');
  });
});
