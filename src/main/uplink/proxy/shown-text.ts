import { STEERING } from '../../host/redact.ts';

/** Longest place of a PAC file in a message, characters. */
const MAX_LOCATION = 200;

/** The place of a PAC file as logs may name it: as `shownText`, and without the query of a URL, which may hold a token. */
export function shownLocation(location: string): string {
  return shownText(/^https?:/i.test(location) ? location.replace(/[?#].*$/s, '') : location, MAX_LOCATION);
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
