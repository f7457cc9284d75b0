/**
 * Ms since the epoch as RFC 3339 says it; `undefined` for what it can't say: years beyond 0 to 9999, and no number. Times of
 * files are whatever their owner sets (utimensat(2)).
 */
export function rfc3339(ms: number): string | undefined {
  const date = new Date(ms);
  const year = date.getUTCFullYear();
  return year >= 0 && year <= 9_999 ? date.toISOString() : undefined;
}
