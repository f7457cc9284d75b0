/** An instant by this host's zone to the second: `2026-11-20 13:00:00`. */
export function localTime(instant: string): string {
  const at = new Date(instant);
  const offset = at.getTimezoneOffset() * 60_000;
  return new Date(at.getTime() - offset).toISOString().slice(0, 19).replace('T', ' ');
}
