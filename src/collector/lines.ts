import { decodeHostText } from './text.ts';
import { readChunks } from './files.ts';
import type { FileOptions } from './open-file.ts';
import { Unreadable, type ReadContext } from './table.ts';

/** Longest line taken from a file, in bytes. */
const MAX_LINE = 1024 * 1024;

const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/**
 * Lines of a large file without their line ends; memory is bounded by one chunk and one line.
 * Throws `Unreadable` as `readChunks` does, and for a line of more than 1 MiB.
 */
export async function* readLines(
  context: ReadContext,
  path: string,
  options: FileOptions = {},
): AsyncGenerator<string> {
  for await (const lines of readLineBlocks(context, path, options)) yield* lines;
}

/** As `readLines`, the lines of one chunk at a time: an asynchronous step per chunk instead of one per line. */
export async function* readLineBlocks(
  context: ReadContext,
  path: string,
  options: FileOptions = {},
): AsyncGenerator<string[]> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of readChunks(context, path, options)) {
    const block = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const end = block.lastIndexOf(NEWLINE);
    rest = block.subarray(end + 1);
    if (rest.length > MAX_LINE) throw new Unreadable(`${path}: a line is longer than allowed`);
    if (end >= 0) yield splitLines(block.subarray(0, end));
  }
  if (rest.length > 0) yield splitLines(rest);
}

/** Lines of a block; carriage returns before a line end belong to the line end. */
function splitLines(block: Buffer): string[] {
  const lines = decodeHostText(block).split('\n');
  return block.includes(CARRIAGE_RETURN) ? lines.map((line) => line.replace(/\r$/, '')) : lines;
}
