import { isAbsolute } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Unavailable } from './script-text.ts';

/** Where a script is kept. */
export type Location =
  { readonly kind: 'remote'; readonly url: URL } | { readonly kind: 'local'; readonly path: string };

/**
 * Reads what an administrator wrote: an `http:`, `https:` or `file:` URL or an absolute path. Throws `Unavailable` for
 * anything else, and for a URL with credentials, which would end up in logs and are nobody's to hand out.
 */
export function parseLocation(text: string): Location {
  if (isAbsolute(text)) return { kind: 'local', path: text };
  const url = URL.parse(text);
  if (url === null) throw new Unavailable('is neither a URL nor an absolute path');
  if (url.username !== '' || url.password !== '') {
    throw new Unavailable('holds credentials: name a URL that can be read without');
  }
  if (url.protocol === 'http:' || url.protocol === 'https:') return { kind: 'remote', url };
  if (url.protocol !== 'file:') throw new Unavailable('is no http:, https: or file: URL');
  try {
    return { kind: 'local', path: fileURLToPath(url) };
  } catch {
    throw new Unavailable('is a file: URL without a path on this host');
  }
}
