/** Bytes that one secret may have in UTF-8: the line of macOS's `security` tool ends at 4,096, base64 included. */
export const MAX_SECRET_BYTES = 2_048;

const NAME = /^[a-z][a-z0-9-]{0,63}$/;

/**
 * Holds callers to names that are also safe file names: small letters, digits and hyphens, 1–64, a letter first. Throws
 * `RangeError`; a name comes from our own code, so that anything else is a mistake there.
 */
export function checkName(name: string): void {
  if (!NAME.test(name)) throw new RangeError(`not the name of a secret: ${JSON.stringify(name)}`);
}

/**
 * Holds values to what every store can keep: 1–2,048 bytes of UTF-8 without NUL. Keychains end a text at a NUL and
 * refuse an empty one. Throws `RangeError`, whose message has nothing of the value.
 */
export function checkValue(value: string): void {
  const bytes = Buffer.byteLength(value);
  if (bytes === 0) throw new RangeError('a secret may not be empty');
  if (bytes > MAX_SECRET_BYTES) {
    throw new RangeError(
      `a secret may have ${String(MAX_SECRET_BYTES)} bytes, this one has ${String(bytes)}`,
    );
  }
  if (value.includes('\0')) throw new RangeError('a secret may not contain a NUL character');
  if (Buffer.from(value).toString() !== value) throw new RangeError('a secret must be valid Unicode text');
}
