import { STEERING } from '../../host/redact.ts';

/** Longest place of a PAC file in a message, characters. */
const MAX_LOCATION = 200;

/**
 * The place of a PAC file as logs and tools may name it: as `shownText`, and without the query of a URL, which may hold a token. An
 * `@` behind the `?` may end credentials or belong to the query, so that nothing is shown then.
 */
export function shownLocation(location: string): string {
  const query = /^https?:/i.test(location) ? (/[?#].*$/s.exec(location)?.[0] ?? '') : '';
  if (query.includes('@')) return '…';
  return shownText(location.slice(0, location.length - query.length), MAX_LOCATION);
}

/**
 * What someone wrote into a setting, as a message may repeat it: at most `max` characters, none that steers a terminal,
 * and nothing of what stands before an `@`, where credentials would be.
 */
export function shownText(text: string, max: number): string {
  const printable = text.replace(STEERING, '?');
  const at = printable.lastIndexOf('@');
  const shown = at === -1 ? printable : `…${printable.slice(at)}`;
  return shown.length > max ? `${shown.slice(0, max)}…` : shown;
}
