import { constants, open } from 'node:fs/promises';
import { foreignReason } from '../../host/foreign-file.ts';
import { MAX_SCRIPT } from './job.ts';
import { decodeScript, TOO_LARGE, Unavailable, type LoadedScript } from './script-text.ts';

/** Without these an open would wait for the writer of a FIFO, or make a terminal ours; Windows has neither. */
const CAREFULLY = process.platform === 'win32' ? 0 : constants.O_NONBLOCK | constants.O_NOCTTY;

/**
 * Reads a script from a regular file of at most 1 MB; it is fresh for no time at all, so that a change counts at once.
 * Throws `Unavailable` for devices, FIFOs, directories, what is larger, others may write or can't be read. A link is
 * followed: the file behind it is what counts.
 */
export async function readLocalScript(path: string): Promise<LoadedScript> {
  const bytes = await readRegularFile(path).catch((error: unknown) => {
    if (error instanceof Unavailable) throw error;
    throw new Unavailable(`can't be read: ${(error as NodeJS.ErrnoException).code ?? String(error)}`);
  });
  return { script: decodeScript(bytes), freshMs: 0 };
}

async function readRegularFile(path: string): Promise<Uint8Array> {
  const file = await open(path, constants.O_RDONLY | CAREFULLY);
  try {
    const stat = await file.stat();
    if (!stat.isFile()) throw new Unavailable('is not a regular file');
    const foreign = foreignReason(path, stat);
    if (foreign !== undefined) throw new Unavailable(`is not read: ${foreign.message}`);
    const bytes = Buffer.alloc(MAX_SCRIPT + 1);
    let length = 0;
    while (length < bytes.length) {
      const { bytesRead } = await file.read(bytes, length, bytes.length - length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    if (length > MAX_SCRIPT) throw new Unavailable(TOO_LARGE);
    return bytes.subarray(0, length);
  } finally {
    await file.close();
  }
}
