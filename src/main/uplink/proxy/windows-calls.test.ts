import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadKoffi } from '../../host/koffi.ts';
import { because, noProgram } from '../../../../test/support/reason.ts';
import { loadRegistryApi, openRegistryKey, type RegistryKey } from '../../host/registry.ts';
import { loadWinHttp } from './winhttp.ts';

/*
 * The calls to Windows' libraries against a compiled double with their signatures, test/support/fake-windows.c: what
 * arrives there, what comes back, and that everything taken is given back.
 */

const noCompiler = noProgram('gcc', 'gcc libc6-dev');

describe.skipIf(noCompiler !== undefined)(`the calls to Windows${because(noCompiler)}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'wf-windows-'));
  const library = join(folder, 'fake-windows.so');
  let key: RegistryKey;

  beforeAll(() => {
    const source = join(import.meta.dirname, '../../../../test/support/fake-windows.c');
    execFileSync('gcc', ['-shared', '-fPIC', '-o', library, source]);
    key = openRegistryKey(loadRegistryApi(library), 'SOFTWARE\\Wayfarer\\Proxy');
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  const count = (name: string): number => {
    const koffi = loadKoffi();
    return (koffi.load(library).func(name, 'int', []) as () => number)();
  };

  it('bring texts of any script to the registry and back', () => {
    expect(key.get('Url')).toBeUndefined();
    key.set('Url', 'http://bücher😀:80;x');
    expect(key.get('Url')).toBe('http://bücher😀:80;x');
    expect(key.get('Dword')).toBe(1);
    key.remove('Url');
    key.remove('Url');
    expect(key.get('Url')).toBeUndefined();
  });

  it('tell errors apart', () => {
    expect(() => key.get('Large')).toThrow('larger than 65536 bytes');
    expect(() => key.set('X', 'y')).toThrow('run it as administrator');
  });

  it('leave no key open', () => {
    key.checkWritable();
    expect(count('OpenHandles')).toBe(0);
  });

  it('take the default proxy of WinHTTP and free its texts', () => {
    const read = loadWinHttp(library, library);
    expect(read()).toEqual({ proxy: 'http=a:80;https=b:443', bypass: '<local>;*.corp' });
    expect(read()).toEqual({ proxy: 'http=a:80;https=b:443', bypass: '<local>;*.corp' });
    expect(count('OpenBlocks')).toBe(0);
  });
});
