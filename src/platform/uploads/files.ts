import {
  createReadStream,
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';

/**
 * Chunk bytes as files: `uploads/<upload id>/<n>`. Files and not SQLite, because an upload may have half a gigabyte:
 * as rows they would be written twice (log and database) and leave a database file that never shrinks. The row in
 * `chunks` is written after the file is durable, so a row without its file can't exist; a file without its row is
 * an interrupted write and is overwritten or swept away. Names are ids and numbers made or parsed here, never text
 * from the wire.
 */
const root = (dataDir: string): string => join(dataDir, 'uploads');
const directory = (dataDir: string, uploadId: string): string => join(root(dataDir), uploadId);

/** Writes one chunk durably: temporary name, fsync, rename, fsync of the directory. */
export function writeChunk(dataDir: string, uploadId: string, n: number, bytes: Uint8Array): void {
  const folder = directory(dataDir, uploadId);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const target = join(folder, String(n));
  const file = openSync(`${target}.part`, 'w', 0o600);
  try {
    writeAll(file, bytes);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(`${target}.part`, target);
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

function writeAll(file: number, bytes: Uint8Array): void {
  let at = 0;
  while (at < bytes.length) at += writeSync(file, bytes, at);
}

/** The encoded body: chunks 0 to `count` − 1 one after the other. */
export async function* readChunks(
  dataDir: string,
  uploadId: string,
  count: number,
): AsyncGenerator<Buffer, void, undefined> {
  for (let n = 0; n < count; n++) {
    for await (const piece of createReadStream(join(directory(dataDir, uploadId), String(n)))) {
      yield piece as Buffer;
    }
  }
}

/** Removes the chunk files of an upload; absent ones are fine. */
export function removeFiles(dataDir: string, uploadId: string): void {
  rmSync(directory(dataDir, uploadId), { recursive: true, force: true });
}

/** Removes the files of uploads that the database does not know. */
export function sweep(dataDir: string, known: readonly string[]): void {
  mkdirSync(root(dataDir), { recursive: true, mode: 0o700 });
  const wanted = new Set(known);
  for (const name of readdirSync(root(dataDir))) {
    if (!wanted.has(name)) rmSync(join(root(dataDir), name), { recursive: true, force: true });
  }
}
