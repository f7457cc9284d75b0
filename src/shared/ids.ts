import { z } from 'zod';

/** A UUID as it stands on the wire: lower case, hyphens, no braces (protocol, "ids lower-case UUIDs"). */
export const Uuid = z
  .string()
  .regex(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/, 'not a lower-case UUID');
export type Uuid = z.infer<typeof Uuid>;

/** SHA-256 in lower-case hexadecimal, 64 characters. */
export const Sha256Hex = z.string().regex(/^[0-9a-f]{64}$/, 'not a SHA-256 in hexadecimal');
export type Sha256Hex = z.infer<typeof Sha256Hex>;

/** RFC 3339 instant in UTC, e.g. `2026-11-20T23:19:56.123Z`. */
export const Instant = z.iso.datetime();
export type Instant = z.infer<typeof Instant>;

/**
 * A raw 32-byte Ed25519 public key in unpadded base64url (RFC 8037 `x`), 43 characters. The last one carries four
 * bits; its two spare ones are zero, or one key would have four spellings and four key ids.
 */
export const PublicKey = z
  .string()
  .regex(/^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/, 'not an Ed25519 public key in base64url');
export type PublicKey = z.infer<typeof PublicKey>;

/**
 * The UUID in wire form from any form people and registries write: upper case, braces, surrounding blanks.
 * Returns `undefined` when the text holds no UUID. The one conversion of Host IDs between their places (R014, R015).
 */
export function parseUuid(text: string): Uuid | undefined {
  const bare = text
    .trim()
    .replace(/^\{(.*)\}$/, '$1')
    .toLowerCase();
  const parsed = Uuid.safeParse(bare);
  return parsed.success ? parsed.data : undefined;
}

/** A Host ID as the Windows registry holds it: upper case without braces (R014). */
export function hostIdForRegistry(hostId: Uuid): string {
  return hostId.toUpperCase();
}
