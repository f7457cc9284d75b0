import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';

/** Writes a file as a whole or not at all: temporary name in the same directory, fsync, rename. */
export function writeWhole(file: string, text: string, mode: number): void {
  const part = `${file}.${process.pid}.part`;
  const handle = openSync(part, 'w', mode);
  try {
    writeSync(handle, text);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  renameSync(part, file);
}

/** Text of a file, `undefined` when there is none. Other errors are thrown. */
export function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
