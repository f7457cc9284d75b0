import { closeSync, constants, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Replaces a file of the agent so that after a crash, or on a disk that is full, the old or the new text is there whole: a
 * new file beside it, fsync, rename, fsync of the directory, which must exist. Only its owner may read it (0600). Throws
 * what the disk says, and leaves the old file as it was then.
 */
export function replaceFile(path: string, text: string): void {
  const partial = `${path}.new`;
  rmSync(partial, { force: true });
  const fd = openSync(partial, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
  try {
    // It writes until all is written; `writeSync` would only say how much the disk took.
    writeFileSync(fd, text);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(partial, path);
  syncDirectory(dirname(path));
}

function syncDirectory(path: string): void {
  // A directory can't be synced on Windows; NTFS journals the rename itself.
  if (process.platform === 'win32') return;
  const fd = openSync(path, constants.O_RDONLY);
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
