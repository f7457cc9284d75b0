import { createWriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { StringDecoder } from 'node:string_decoder';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createGunzip } from 'node:zlib';
import { UnsafeFile } from '../host/atomic-file.ts';
import { READ_FLAGS } from '../host/log-files.ts';
import { redact } from '../host/redact.ts';

/** A longer line is cut here, bytes: more than any line that the agent writes. */
const MAX_LINE = 64 * 1024;

/** What came of a copy. */
export interface Copied {
  /** Bytes read of the (decompressed) original. */
  readonly rawBytes: number;
  /** Whether the original has more than was allowed. */
  readonly cut: boolean;
}

/**
 * Copies a text file line by line, each redacted anew, to a new file that only this user can read. Names that end in
 * `.gz` are decompressed. Reads at most `maxBytes` bytes of text: of a plain file the last, since the end is what
 * matters; of a compressed one the first. Only lines that are `wanted` are copied. Neither file is ever in memory as a
 * whole. Rejects with what the file system throws, `UnsafeFile` for what is no regular file.
 */
export async function copyRedacted(
  from: string,
  to: string,
  maxBytes: number,
  wanted: (line: string) => boolean = () => true,
): Promise<Copied> {
  const source = await open(from, READ_FLAGS);
  try {
    const stat = await source.stat();
    if (!stat.isFile()) throw new UnsafeFile(`${from} is not a regular file`);
    const compressed = from.endsWith('.gz');
    const start = compressed ? 0 : Math.max(0, stat.size - maxBytes);
    // Up to the size it has now: a log that is being written to has no end.
    const plain = source.createReadStream({ start, end: Math.max(start, stat.size - 1), autoClose: false });
    const counted = { rawBytes: 0, cut: start > 0, ended: true };
    const text = compressed ? plain.pipe(createGunzip()) : plain;
    plain.on('error', (error) => text.destroy(error));
    const target = createWriteStream(to, { flags: 'wx', mode: 0o600 });
    const lines = redactedLines(bounded(text, maxBytes, counted), start > 0, () => counted.ended, wanted);
    await pipeline(Readable.from(lines), target);
    const { rawBytes, cut } = counted;
    return { rawBytes, cut };
  } finally {
    await source.close();
  }
}

async function* bounded(
  pieces: AsyncIterable<Buffer>,
  maxBytes: number,
  counted: { rawBytes: number; cut: boolean; ended: boolean },
): AsyncGenerator<Buffer, void, undefined> {
  for await (const piece of pieces) {
    const room = maxBytes - counted.rawBytes;
    if (piece.length > room) {
      counted.cut = true;
      counted.ended = false;
      counted.rawBytes += room;
      yield piece.subarray(0, room);
      return;
    }
    counted.rawBytes += piece.length;
    yield piece;
  }
}

/**
 * `inside` says that the first piece begins in the middle of a line, `ended` whether the last one ends the text. Half a line
 * is left out: half a secret shows no sign.
 */
async function* redactedLines(
  pieces: AsyncIterable<Buffer>,
  inside: boolean,
  ended: () => boolean,
  wanted: (line: string) => boolean,
): AsyncGenerator<string, void, undefined> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  let skipping = inside;
  for await (const piece of pieces) {
    const lines = (rest + decoder.write(piece)).split('\n');
    rest = lines.pop() ?? '';
    if (skipping && lines.length > 0) {
      lines.shift();
      skipping = false;
    }
    const taken = lines.filter(wanted);
    if (taken.length > 0) yield `${taken.map(redact).join('\n')}\n`;
    if (rest.length > MAX_LINE) {
      if (!skipping && wanted(rest)) yield `${redact(rest)}\n`;
      rest = '';
      skipping = true;
    }
    // Patterns take time: others get their turn between two pieces.
    await nextTurn();
  }
  if (rest !== '' && !skipping && ended() && wanted(rest)) yield redact(rest);
}
