import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Filesystems that a test can have for itself: on loop devices, in memory, in layers. */
export const FILESYSTEMS = ['ext4', 'xfs', 'tmpfs', 'btrfs subvolume', 'overlay'] as const;
export type FilesystemKind = (typeof FILESYSTEMS)[number];

/** Debian's packages of what makes them. */
export const MAKERS = [
  ['mkfs.ext4', 'e2fsprogs'],
  ['mkfs.xfs', 'xfsprogs'],
  ['mkfs.btrfs', 'btrfs-progs'],
] as const;

/** A filesystem with one mount point. */
export interface TestFilesystem {
  readonly point: string;
  readonly mount: () => void;
  /** Fails while anyone has something open there. */
  readonly unmount: () => void;
  /** Unmounts whatever is in use, and removes everything. */
  readonly remove: () => void;
}

const MB = 1024 * 1024;
const run = (program: string, ...args: string[]): void => {
  execFileSync(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
};

/** A sparse image with a filesystem in it. */
function image(scratch: string, maker: string, megabytes: number): string {
  const path = join(scratch, 'image');
  writeFileSync(path, '');
  truncateSync(path, megabytes * MB);
  run(maker, path);
  return path;
}

/** The arguments of mount(8) for a new filesystem. */
const MAKE: Readonly<Record<FilesystemKind, (scratch: string, point: string) => string[]>> = {
  ext4: (scratch) => ['-o', 'loop', image(scratch, 'mkfs.ext4', 64)],
  xfs: (scratch) => ['-o', 'loop', image(scratch, 'mkfs.xfs', 320)],
  tmpfs: () => ['-t', 'tmpfs', '-o', 'size=512m', 'tmpfs'],
  'btrfs subvolume': (scratch, point) => {
    const path = image(scratch, 'mkfs.btrfs', 256);
    run('mount', '-o', 'loop', path, point);
    run('btrfs', 'subvolume', 'create', join(point, '@data'));
    run('umount', point);
    return ['-o', 'loop,subvol=@data', path];
  },
  overlay: (scratch) => {
    // The upper layer must lie on a filesystem that takes its attributes.
    const layers = join(scratch, 'layers');
    mkdirSync(layers);
    run('mount', '-t', 'tmpfs', '-o', 'size=64m', 'tmpfs', layers);
    for (const name of ['lower', 'upper', 'work']) mkdirSync(join(layers, name));
    mkdirSync(join(layers, 'lower/below'));
    writeFileSync(join(layers, 'lower/below/file'), 'from below');
    const options = ['lower', 'upper', 'work'].map((name) => `${name}dir=${join(layers, name)}`).join(',');
    return ['-t', 'overlay', '-o', options, 'overlay'];
  },
};

/** Makes a filesystem and mounts it. */
export function makeFilesystem(kind: FilesystemKind): TestFilesystem {
  const scratch = mkdtempSync(join(tmpdir(), 'wf-fs-'));
  const point = join(scratch, 'mount');
  mkdirSync(point);
  const args = MAKE[kind](scratch, point);
  const mount = (): void => run('mount', ...args, point);
  const forced = (path: string): void => {
    try {
      run('umount', '--lazy', path);
    } catch {
      // It is not mounted.
    }
  };
  mount();
  return {
    point,
    mount,
    unmount: () => run('umount', point),
    remove: () => {
      forced(point);
      forced(join(scratch, 'layers'));
      rmSync(scratch, { recursive: true, force: true });
    },
  };
}
