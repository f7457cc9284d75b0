import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { because, noUnix } from '../../test/support/reason.ts';
import { replaceFile } from './replace-file.ts';

describe('what is kept from one run to the next', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'wf-replace-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  /** Runs a line of JavaScript in a process whose files can't grow beyond a KiB: it is cut short as on a full disk. */
  const onFullDisk = (code: string, ...args: string[]): string => {
    const { status, stderr } = spawnSync(
      'sh',
      ['-c', 'ulimit -f 2; exec "$@"', 'sh', process.execPath, '--input-type=module', '-e', code, ...args],
      { encoding: 'utf8', env: {} },
    );
    return status === 0 ? '' : stderr;
  };
  const of = (name: string): string => new URL(name, import.meta.url).href;

  it.skipIf(noUnix !== undefined).each([
    [
      'items that start programs',
      `import { saveItems } from '${of('./edr/startup-state.ts')}';
       saveItems(process.argv[1], new Map(Array.from({ length: 500 }, (_, n) => ['item ' + n, 'hash'])));`,
    ],
    [
      'places in journals',
      `import { savePlaces, NO_PLACES } from '${of('./fim/windows/places.ts')}';
       const place = { journal: '1'.repeat(20), next: '2'.repeat(20) };
       const journals = Array.from({ length: 26 }, (_, n) => [String.fromCharCode(65 + n), place]);
       savePlaces(process.argv[1], { ...NO_PLACES, journals: Object.fromEntries(journals) });`,
    ],
  ])(
    `leaves the %s of before where the disk takes only a part, and says so${because(noUnix)}`,
    (_what, code) => {
      const path = join(folder, 'kept.json');
      writeFileSync(path, 'before');
      expect(onFullDisk(code, path)).toContain('EFBIG');
      expect(readFileSync(path, 'utf8')).toBe('before');
    },
  );

  it('replaces it whole and for its owner alone, whatever a run before left beside it', () => {
    const path = join(folder, 'kept.json');
    writeFileSync(path, 'before', { mode: 0o644 });
    writeFileSync(`${path}.new`, 'a part of a longer one', { mode: 0o644 });
    replaceFile(path, 'after');
    expect(readFileSync(path, 'utf8')).toBe('after');
    expect(readdirSync(folder)).toEqual(['kept.json']);
    if (process.platform !== 'win32') expect(statSync(path).mode & 0o777).toBe(0o600);
  });
});
