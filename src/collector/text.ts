import { isUtf8 } from 'node:buffer';
import { encodeText } from '../wire/encode.ts';
import type { Os } from './table.ts';

/**
 * Bytes of a Unix host as text: invalid UTF-8 becomes lone surrogates U+DC80–U+DCFF, one per byte, so that nothing is
 * lost until `encodeHostText` writes them as `%XX` (the idea of Python's PEP 383).
 */
export function decodeHostText(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return isUtf8(buffer) ? buffer.toString('utf8') : decodeMixed(buffer);
}

/** Length of the well-formed UTF-8 sequence at `at` (RFC 3629), 0 where there is none. */
function sequenceLength(bytes: Buffer, at: number): number {
  const first = bytes[at] ?? 0;
  if (first < 0x80) return 1;
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  return at + length <= bytes.length && isUtf8(bytes.subarray(at, at + length)) ? length : 0;
}

/** Two bytes per unit whatever the input: files of people may be nothing but invalid bytes. */
function decodeMixed(bytes: Buffer): string {
  const units = Buffer.allocUnsafe(bytes.length * 2);
  let end = 0;
  let at = 0;
  while (at < bytes.length) {
    const length = sequenceLength(bytes, at);
    if (length === 0) end = units.writeUInt16LE(0xdc00 + (bytes[at] ?? 0), end);
    else if (length === 1) end = units.writeUInt16LE(bytes[at] ?? 0, end);
    else end += units.write(bytes.toString('utf8', at, at + length), end, 'utf16le');
    at += Math.max(1, length);
  }
  return units.toString('utf16le', 0, end);
}

const ESCAPED_BYTE = /(?<![\ud800-\udbff])[\udc80-\udcff]/;

/** A path as `node:fs` takes it: a string, or bytes where the name is not valid UTF-8. */
export function hostPathBytes(path: string): string | Buffer {
  if (!ESCAPED_BYTE.test(path)) return path;
  return Buffer.concat(
    splitEscaped(path).map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.of(part))),
  );
}

/** Text pieces and escaped bytes in turn. */
function splitEscaped(text: string): (string | number)[] {
  return text
    .split(/((?<![\ud800-\udbff])[\udc80-\udcff])/)
    .map((part) => (ESCAPED_BYTE.test(part) ? part.charCodeAt(0) - 0xdc00 : part));
}

/**
 * Text as it stands in a row or key (`wire/encode.ts`). On Unix an escaped byte is written as that byte; on Windows a
 * lone surrogate is a real part of a name and takes its three bytes.
 */
export function encodeHostText(text: string, os: Os): string {
  if (os === 'win32' || !ESCAPED_BYTE.test(text)) return encodeText(text);
  return splitEscaped(text)
    .map((part) => (typeof part === 'string' ? encodeText(part) : `%${part.toString(16).toUpperCase()}`))
    .join('');
}
