import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { readIfThere, writeWhole } from '../private-file.ts';

/** The bearer token of the admin API, made at first use into a file of mode 0600. */
export function ensureAdminToken(file: string): string {
  const stored = readIfThere(file)?.trim();
  if (stored !== undefined && stored.length >= 32) return stored;
  const token = randomBytes(32).toString('base64url');
  writeWhole(file, `${token}\n`, 0o600);
  return token;
}

/** Whether an `Authorization` header carries the token; takes the same time whatever it carries. */
export function isAuthorized(header: string | undefined, token: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(header ?? ''), digest(`Bearer ${token}`));
}
