import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import type { OpenUploadRequest } from '../../shared/wire.ts';
import { MAX_LINE } from '../../wire/delta-body.ts';
import { badRequest } from '../errors.ts';

/** What of an opening bounds its body. */
export type BodyClaims = Pick<OpenUploadRequest, 'encoding' | 'rawBytes' | 'encodedBytes' | 'digest'>;

/**
 * Decodes an encoded body as a stream. Yields raw pieces; ends only when size and digest of the encoded bytes and
 * the size of the decoded ones are exactly what was claimed. Throws 400 as soon as the body exceeds a claim, so that
 * a zip bomb costs no more than it declared.
 */
export async function* decodeBody(
  encoded: AsyncIterable<Buffer>,
  claims: BodyClaims,
): AsyncGenerator<Buffer, void, undefined> {
  const measured = { bytes: 0, hash: createHash('sha256') };
  const source = Readable.from(measure(encoded, measured, claims.encodedBytes), { objectMode: false });
  let raw = 0;
  for await (const piece of decoded(source, claims.encoding)) {
    raw += piece.length;
    if (raw > claims.rawBytes)
      throw badRequest(`the body is larger than the ${claims.rawBytes} bytes declared`);
    yield piece;
  }
  if (raw !== claims.rawBytes)
    throw badRequest(`the body has ${raw} bytes, declared were ${claims.rawBytes}`);
  if (measured.bytes !== claims.encodedBytes || measured.hash.digest('hex') !== claims.digest) {
    throw badRequest('the digest of the whole upload does not match');
  }
}

async function* measure(
  encoded: AsyncIterable<Buffer>,
  measured: { bytes: number; readonly hash: ReturnType<typeof createHash> },
  limit: number,
): AsyncGenerator<Buffer, void, undefined> {
  for await (const piece of encoded) {
    measured.bytes += piece.length;
    if (measured.bytes > limit) throw badRequest('the upload is larger than declared');
    measured.hash.update(piece);
    yield piece;
  }
}

async function* decoded(
  source: Readable,
  encoding: BodyClaims['encoding'],
): AsyncGenerator<Buffer, void, undefined> {
  if (encoding === 'identity') {
    for await (const piece of source) yield piece as Buffer;
    return;
  }
  const decoder = encoding === 'gzip' ? createGunzip() : createZstdDecompress();
  source.on('error', (error) => decoder.destroy(error));
  source.pipe(decoder);
  try {
    for await (const piece of decoder) yield piece as Buffer;
  } catch (error) {
    throw isZlibError(error) ? badRequest(`the body is not valid ${encoding}`, error) : error;
  } finally {
    source.destroy();
    decoder.destroy();
  }
}

function isZlibError(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return code.startsWith('Z_') || code.startsWith('ZSTD_') || code.startsWith('ERR_');
}

/**
 * The lines of a decoded body, without their newline. Every line must be ended by one, be valid UTF-8 and no longer
 * than `MAX_LINE` bytes. Throws 400.
 */
export async function* linesOf(pieces: AsyncIterable<Buffer>): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let held: Buffer[] = [];
  let heldBytes = 0;
  const take = (last: Buffer): string => {
    const line = held.length === 0 ? last : Buffer.concat([...held, last]);
    held = [];
    heldBytes = 0;
    try {
      return decoder.decode(line);
    } catch (error) {
      throw badRequest('a line is not valid UTF-8', error);
    }
  };
  for await (const piece of pieces) {
    let start = 0;
    for (let end = piece.indexOf(10); end >= 0; end = piece.indexOf(10, start)) {
      if (heldBytes + end - start > MAX_LINE) throw badRequest('a line is too long');
      yield take(piece.subarray(start, end));
      start = end + 1;
    }
    if (start === piece.length) continue;
    held.push(piece.subarray(start));
    heldBytes += piece.length - start;
    if (heldBytes > MAX_LINE) throw badRequest('a line is too long');
  }
  if (heldBytes > 0) throw badRequest('the last line is not ended');
}
