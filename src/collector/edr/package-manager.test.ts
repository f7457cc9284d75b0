import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { because, noDpkg } from '../../../test/support/reason.ts';
import { packageManagerOf } from './package-manager.ts';
import { programOf } from './program.ts';
import { readProcess } from './read-process.ts';
import type { Program } from './program.ts';

const program = (path: string, more: Partial<Program> = {}): Program => ({
  path,
  executable: path,
  name: path,
  file: { dev: 1n, ino: 1n, size: 1n, mtimeNs: 1n, ctimeNs: 1n, uid: 0, mode: 0o100755 },
  isPlaced: true,
  script: undefined,
  commandLine: () => '',
  ...more,
});
const file = { dev: 1n, ino: 1n, size: 1n, mtimeNs: 1n, ctimeNs: 1n, uid: 0, mode: 0o100755 };

describe('package managers', () => {
  it('R200 are known by their executables in folders of the system', () => {
    const labels = [
      '/usr/bin/dpkg',
      '/usr/bin/dpkg-deb',
      '/bin/rpm',
      '/usr/bin/apt-get',
      '/usr/libexec/packagekitd',
    ];
    expect(labels.map((path) => packageManagerOf(program(path), 0))).toEqual([
      'dpkg',
      'dpkg',
      'rpm',
      'apt',
      'packagekit',
    ]);
    expect(packageManagerOf(program('/usr/lib/snapd/snapd'), 0)).toBe('snap');
    expect(packageManagerOf(program('/usr/bin/constructor'), 0)).toBeUndefined();
  });

  it('are not those of a person, by place, owner or mode', () => {
    expect(packageManagerOf(program('/home/ann/dpkg'), 0)).toBeUndefined();
    expect(packageManagerOf(program('/tmp/usr/bin/dpkg'), 0)).toBeUndefined();
    expect(packageManagerOf(program('/usr/bin/dpkg', { file: { ...file, uid: 1_000 } }), 0)).toBeUndefined();
    expect(
      packageManagerOf(program('/usr/bin/dpkg', { file: { ...file, mode: 0o100775 } }), 0),
    ).toBeUndefined();
    expect(packageManagerOf(program('/usr/bin/dpkg', { file: undefined }), 0)).toBeUndefined();
  });

  it('are not what stands at their path in a mount namespace of its own', () => {
    expect(packageManagerOf(program('/usr/bin/dpkg', { isPlaced: false }), 0)).toBeUndefined();
  });

  it('that are Python programs are believed of root alone', () => {
    const dnf = program('/usr/bin/python3.11', { script: '/usr/bin/dnf' });
    expect([packageManagerOf(dnf, 0), packageManagerOf(dnf, 1_000)]).toEqual(['dnf', undefined]);
    expect(packageManagerOf(program('/usr/bin/python3', { script: '/tmp/dnf' }), 0)).toBeUndefined();
  });

  it.skipIf(noDpkg !== undefined)(`tells the real dpkg from a copy${because(noDpkg)}`, () => {
    const folder = mkdtempSync(join(tmpdir(), 'wf-dpkg-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const copy = join(folder, 'dpkg');
    copyFileSync('/usr/bin/dpkg', copy);
    chmodSync(copy, 0o755);
    expect(spawnSync(copy, ['--version']).status).toBe(0);
    const own = programOf(readProcess(process.pid)!, 8_192)!;
    expect(own).toMatchObject({ path: process.execPath });
    expect(packageManagerOf({ ...own, path: '/usr/bin/dpkg' }, 0)).toBe(
      own.file?.uid === 0 ? 'dpkg' : undefined,
    );
    expect(packageManagerOf({ ...own, path: copy }, 0)).toBeUndefined();
  });
});
