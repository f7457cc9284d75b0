const MINUTE_MS = 60_000;

/** Shortest and longest time that a script is used before it is fetched again, and the time where its server says none. */
export const FRESH_MS = { min: 5 * MINUTE_MS, max: 12 * 60 * MINUTE_MS, default: 60 * MINUTE_MS } as const;

/**
 * How long a fetched script may be used, ms: what `Cache-Control` or else `Expires` say (RFC 9111), within five minutes
 * and twelve hours. `headers` by lower-case name, `now` in ms since the epoch.
 */
export function freshMs(headers: Readonly<Record<string, string>>, now: number): number {
  const wanted = fromCacheControl(headers) ?? fromExpires(headers, now) ?? FRESH_MS.default;
  return Math.min(FRESH_MS.max, Math.max(FRESH_MS.min, wanted));
}

function fromCacheControl(headers: Readonly<Record<string, string>>): number | undefined {
  const control = headers['cache-control'] ?? '';
  if (/(^|[\s,])no-(store|cache)\b/i.test(control)) return 0;
  const seconds = /(^|[\s,])max-age\s*=\s*"?(?<seconds>\d{1,10})/i.exec(control)?.groups?.['seconds'];
  if (seconds === undefined) return undefined;
  const age = /^\s*\d{1,10}\s*$/.test(headers['age'] ?? '') ? Number(headers['age']) : 0;
  return (Number(seconds) - age) * 1000;
}

/** `Expires` counts from the server's own `Date`, as its clock may be off. One that can't be read is in the past. */
function fromExpires(headers: Readonly<Record<string, string>>, now: number): number | undefined {
  if (headers['expires'] === undefined) return undefined;
  const expires = Date.parse(headers['expires']);
  const date = Date.parse(headers['date'] ?? '');
  return Number.isNaN(expires) ? 0 : expires - (Number.isNaN(date) ? now : date);
}
