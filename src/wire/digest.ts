import { createHash, timingSafeEqual } from 'node:crypto';

/** `Content-Digest` of a body as it travels, encoding included (RFC 9530, sha-256 only). */
export function contentDigest(body: Uint8Array): string {
  return `sha-256=:${createHash('sha256').update(body).digest('base64')}:`;
}

/** Whether a `Content-Digest` field is exactly the one of this body. */
export function digestMatches(field: string | undefined, body: Uint8Array): boolean {
  const expected = Buffer.from(contentDigest(body));
  const given = Buffer.from(field ?? '');
  return given.length === expected.length && timingSafeEqual(given, expected);
}
