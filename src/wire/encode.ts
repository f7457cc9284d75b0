/**
 * Text as it may stand in a row or key: bytes that are not valid UTF-8 and control characters are written `%XX`,
 * and `%` as `%25`, so that the mapping from bytes to text is one to one (protocol, "Snapshot, delta, integrity").
 */
const NEEDS_ENCODING =
  /[\u0000-\u001f\u007f-\u009f%]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/gu;
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

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
  try {
    return encodeText(decoder.decode(bytes));
  } catch {
    return encodeMixed(bytes);
  }
}

/** Length of the well-formed UTF-8 sequence that starts at `at` (RFC 3629), or 0. */
function sequenceLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at] ?? 0;
  if (first < 0x80) return 1;
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || at + length > bytes.length) return 0;
  try {
    decoder.decode(bytes.subarray(at, at + length));
    return length;
  } catch {
    return 0;
  }
}

function encodeMixed(bytes: Uint8Array): string {
  const parts: string[] = [];
  let at = 0;
  while (at < bytes.length) {
    const length = sequenceLength(bytes, at);
    if (length === 0) {
      parts.push(hex(bytes[at] ?? 0));
      at += 1;
    } else {
      parts.push(encodeText(decoder.decode(bytes.subarray(at, at + length))));
      at += length;
    }
  }
  return parts.join('');
}
