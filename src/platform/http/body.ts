import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import type { z } from 'zod';
import { ApiError, badRequest } from '../errors.ts';

/** A body may decode to this many times its limit: enough for JSON, too little for a bomb to hurt. */
const DECODED_FACTOR = 16;

/**
 * Parses the JSON body of a request. `encoding` is the `Content-Encoding` header; decoding stops at a bound that
 * follows from `limit`, the bound on the encoded bytes. Throws 400, 413 `TOO_LARGE`.
 */
export function parseBody<T extends z.ZodType>(
  schema: T,
  body: Buffer,
  encoding: string | undefined,
  limit: number,
): z.output<T> {
  const parsed = schema.safeParse(json(decode(body, encoding, limit * DECODED_FACTOR)));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw badRequest(`"${issue?.path.join('.') ?? ''}": ${issue?.message ?? 'wrong'}`);
}

function json(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as unknown;
  } catch (error) {
    throw badRequest('the body is not JSON in UTF-8', error);
  }
}

function decode(body: Buffer, encoding: string | undefined, maxOutputLength: number): Buffer {
  try {
    switch (encoding?.toLowerCase() ?? 'identity') {
      case 'identity':
        return body;
      case 'gzip':
        return gunzipSync(body, { maxOutputLength });
      case 'zstd':
        return zstdDecompressSync(body, { maxOutputLength });
      default:
        throw badRequest('content-encoding must be gzip, zstd or identity');
    }
  } catch (error) {
    if (error instanceof ApiError) throw error;
    if (error instanceof RangeError) throw new ApiError(413, 'TOO_LARGE', 'the body decodes to too much');
    throw badRequest('the body does not decode', error);
  }
}
