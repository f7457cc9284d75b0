import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { because, noProgram } from '../../../../test/support/reason.ts';
import { loadKoffi } from '../../native/koffi.ts';
import { windowsCalls } from './calls.ts';
import { loadObjectDirectories, MOST_OBJECTS } from './object-directories.ts';
import { loadProcessImages } from './process-images.ts';
import { loadSocketTables } from './socket-tables.ts';

/* The calls against a compiled double with their signatures, test/support/fake-windows-sides.c. */

const noCompiler = noProgram('gcc', 'gcc libc6-dev');

describe.skipIf(noCompiler !== undefined)(
  `calls of Windows for sockets, images and objects${because(noCompiler)}`,
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'wf-sides-'));
    const library = join(folder, 'fake-windows-sides.so');

    beforeAll(() => {
      const source = join(import.meta.dirname, '../../../../test/support/fake-windows-sides.c');
      execFileSync('gcc', ['-shared', '-fPIC', '-o', library, source]);
    });
    afterAll(() => rmSync(folder, { recursive: true }));

    const openHandles = (): number =>
      (loadKoffi().load(library).func('OpenHandles', 'int', []) as () => number)();

    it('R201 give the sockets that listen, with who holds them', () => {
      const sockets = loadSocketTables(library);
      expect(sockets('tcp')).toEqual([{ transport: 'tcp', address: '127.0.0.1', port: 8080, pid: 7 }]);
      expect(sockets('tcp6')).toEqual([]);
    });

    it('ask again for a table that has grown meanwhile, and not for ever', () => {
      const sockets = loadSocketTables(library);
      expect(sockets('udp')).toHaveLength(10_000);
      expect(() => sockets('udp6')).toThrow('it grows faster than it can be read');
    });

    it('R201 give the image of a process, or why not, and close it', () => {
      const image = loadProcessImages(library);
      expect([7, 8, 9, 10].map(image)).toEqual([
        { path: 'C:\\Windows\\b\u00e9.exe' },
        { error: 5 },
        { error: 31 },
        { error: 87 },
      ]);
      expect(openHandles()).toBe(0);
    });

    it('R201 list a directory of objects, whether many are given at once or one alone', () => {
      const objects = loadObjectDirectories(library);
      const three = ['a', 'b', 'c'].map((name) => ({ name, type: 'Mutant' }));
      expect(objects('\\Many')).toEqual(three);
      expect(objects('\\Single')).toEqual(three);
      expect(objects('\\Nowhere')).toEqual([]);
      expect(openHandles()).toBe(0);
    });

    it('list no directory without end, and none that is refused', () => {
      const objects = loadObjectDirectories(library);
      expect(objects('\\Endless').length - MOST_OBJECTS).toBeLessThan(1_000);
      expect(() => objects('\\Refused')).toThrow('status 0xc0000022');
      expect(openHandles()).toBe(0);
    });
  },
);

describe('calls of Windows on another system', () => {
  it('fail when they are asked, not before', () => {
    const calls = windowsCalls();
    expect(() => calls.image(1)).toThrow('shared library');
    expect(() => calls.sockets('tcp')).toThrow('shared library');
    expect(() => calls.objects('\\')).toThrow('shared library');
  });
});
