import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, createGzip, createZstdCompress } from 'node:zlib';
import { UPLOAD_LIMITS } from '../../shared/wire.ts';

/** Size of the pieces that an encoded body is stored in; the last one is shorter. */
export const SEGMENT_BYTES = 64 * 1024;

/** Text is handed to the compressor in blocks of about this many characters. */
const BLOCK_CHARS = 64 * 1024;

/** Levels where, on the rows of a real host, more time no longer buys noticeably fewer bytes (bench/encoding.ts). */
const ZSTD_LEVEL = 9;
/** How far back zstd looks, as a power of two: 1 MiB, so that its memory stays at a few MiB on either side. */
const ZSTD_WINDOW_LOG = 20;
const GZIP_LEVEL = 6;

/** A body beyond `UPLOAD_LIMITS`: no platform would take it. */
export class BodyTooLarge extends Error {
  override readonly name = 'BodyTooLarge';
}

export interface EncodedBody {
  readonly rawBytes: number;
  readonly encodedBytes: number;
  /** SHA-256 of the encoded bytes in hexadecimal. */
  readonly digest: string;
}

/**
 * Compresses lines and hands the result to `store` in segments of `SEGMENT_BYTES`, in order. Memory does not grow with
 * the body; the compressor works outside this thread. Throws `BodyTooLarge`, and whatever `lines` or `store` throws.
 */
export async function encodeBody(
  lines: Iterable<string>,
  encoding: 'gzip' | 'zstd',
  store: (n: number, segment: Buffer) => void,
): Promise<EncodedBody> {
  const raw = { bytes: 0 };
  const writer = new SegmentWriter(store);
  const { parts, size } = sized(blocks(lines, raw));
  await pipeline(
    Readable.from(parts, { highWaterMark: 1 }),
    compressor(encoding, size),
    async (compressed: AsyncIterable<Buffer>) => {
      for await (const piece of compressed) writer.write(piece);
      writer.end();
    },
  );
  return { rawBytes: raw.bytes, encodedBytes: writer.bytes, digest: writer.digest() };
}

/**
 * The blocks, and their size in all where there is but one. zstd that knows how little there is to compress sets up tables
 * to match: the delta of a quiet day costs a tenth of the time then, and none of the memory.
 */
function sized(all: Generator<Buffer, void, undefined>): {
  readonly parts: Iterable<Buffer>;
  readonly size: number | undefined;
} {
  const first = all.next();
  if (first.done === true) return { parts: [], size: 0 };
  const second = all.next();
  if (second.done === true) return { parts: [first.value], size: first.value.length };
  return { parts: following([first.value, second.value], all), size: undefined };
}

function* following<T>(first: readonly T[], rest: Iterable<T>): Generator<T, void, undefined> {
  yield* first;
  yield* rest;
}

function compressor(encoding: 'gzip' | 'zstd', size: number | undefined) {
  return encoding === 'gzip'
    ? createGzip({ level: GZIP_LEVEL })
    : createZstdCompress({
        params: {
          [constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL,
          [constants.ZSTD_c_windowLog]: ZSTD_WINDOW_LOG,
        },
        ...(size !== undefined && { pledgedSrcSize: size }),
      });
}

function* blocks(lines: Iterable<string>, raw: { bytes: number }): Generator<Buffer, void, undefined> {
  let block = '';
  for (const line of lines) {
    block += line;
    if (block.length < BLOCK_CHARS) continue;
    yield counted(block, raw);
    block = '';
  }
  if (block !== '') yield counted(block, raw);
}

function counted(block: string, raw: { bytes: number }): Buffer {
  const buffer = Buffer.from(block, 'utf8');
  raw.bytes += buffer.length;
  if (raw.bytes > UPLOAD_LIMITS.rawBytes) {
    throw new BodyTooLarge(`the body is larger than ${UPLOAD_LIMITS.rawBytes} bytes`);
  }
  return buffer;
}

/** Cuts a stream of pieces into segments and hashes it on the way. */
class SegmentWriter {
  readonly #store: (n: number, segment: Buffer) => void;
  readonly #hash = createHash('sha256');
  #held: Buffer[] = [];
  #heldBytes = 0;
  #segments = 0;
  bytes = 0;

  constructor(store: (n: number, segment: Buffer) => void) {
    this.#store = store;
  }

  write(piece: Buffer): void {
    this.#hash.update(piece);
    this.bytes += piece.length;
    if (this.bytes > UPLOAD_LIMITS.encodedBytes) {
      throw new BodyTooLarge(`the encoded body is larger than ${UPLOAD_LIMITS.encodedBytes} bytes`);
    }
    this.#held.push(piece);
    this.#heldBytes += piece.length;
    if (this.#heldBytes >= SEGMENT_BYTES) this.#flush(false);
  }

  end(): void {
    this.#flush(true);
  }

  digest(): string {
    return this.#hash.digest('hex');
  }

  #flush(last: boolean): void {
    let rest = Buffer.concat(this.#held);
    while (rest.length >= SEGMENT_BYTES || (last && rest.length > 0)) {
      this.#store(this.#segments, rest.subarray(0, SEGMENT_BYTES));
      this.#segments += 1;
      rest = rest.subarray(SEGMENT_BYTES);
    }
    this.#held = [rest];
    this.#heldBytes = rest.length;
  }
}
