import { isUtf8 } from 'node:buffer';

/**
 * Text as it may stand in a row or key: bytes that are not valid UTF-8 and control characters are written `%XX`,
 * and `%` as `%25`, so that the mapping from bytes to text is one to one (protocol, "Snapshot, delta, integrity").
 * Under the `u` flag a surrogate matches only where it has no partner.
 */
// eslint-disable-next-line no-control-regex -- control characters are what has to be found
const NEEDS_ENCODING = /[\u0000-\u001f\u007f-\u009f%\ud800-\udfff]/gu;
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

const hex = (byte: number): string => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;

/**
 * Encodes a string. A surrogate without its partner (a Windows name) is written as its three generalised UTF-8 bytes.
 */
export function encodeText(text: string): string {
  return text.replace(NEEDS_ENCODING, (char) => {
    const code = char.charCodeAt(0);
    if (code < 0x80) return hex(code);
    if (code < 0x800) return hex(0xc0 | (code >> 6)) + hex(0x80 | (code & 0x3f));
    return hex(0xe0 | (code >> 12)) + hex(0x80 | ((code >> 6) & 0x3f)) + hex(0x80 | (code & 0x3f));
  });
}

/** Encodes bytes of the operating system: a path, a config line. Never throws. */
export function encodeBytes(bytes: Uint8Array): string {
  return isUtf8(bytes) ? encodeText(decoder.decode(bytes)) : encodeMixed(bytes);
}

/** How long the UTF-8 sequence is that this byte begins, if it is well formed (RFC 3629). */
function announcedLength(first: number): number {
  if (first < 0x80) return 1;
  if (first < 0xe0) return 2;
  return first < 0xf0 ? 3 : 4;
}

/** One character at a time: a bad byte costs no more than a good one, so that nobody can slow a scan down with a name. */
function encodeMixed(bytes: Uint8Array): string {
  const parts: string[] = [];
  let at = 0;
  while (at < bytes.length) {
    const first = bytes[at] ?? 0;
    const sequence = bytes.subarray(at, at + announcedLength(first));
    const valid = isUtf8(sequence);
    parts.push(valid ? encodeText(decoder.decode(sequence)) : hex(first));
    at += valid ? sequence.length : 1;
  }
  return parts.join('');
}
