import { decodeHostText, encodeHostText } from '../../text.ts';
import type { Os } from '../../table.ts';

/*
 * Paths are stored as they stand in events: encoded text (`wire/encode.ts`), one to one with the bytes of the host. Encoding
 * leaves separators alone, so what is below a directory has its encoded path as a prefix.
 */

/** A path in its two parts. The root of a file system has itself as parent and no name. */
export interface Split {
  readonly parent: string;
  readonly name: string;
}

/** What separates names. */
export const separatorOf = (os: Os): '/' | '\\' => (os === 'win32' ? '\\' : '/');

/** Splits an absolute path, encoded or not. */
export function splitPath(path: string, os: Os): Split {
  const at = path.lastIndexOf(separatorOf(os));
  const rootLength = os === 'win32' ? 3 : 1;
  if (path.length <= rootLength) return { parent: path, name: '' };
  return {
    parent: path.slice(0, Math.max(at, rootLength === 1 ? 1 : at === 2 ? 3 : at)),
    name: path.slice(at + 1),
  };
}

/** The path of a name in a directory; an empty name is the directory itself. */
export function joinPath(parent: string, name: string, os: Os): string {
  if (name === '') return parent;
  const separator = separatorOf(os);
  return parent.endsWith(separator) ? parent + name : parent + separator + name;
}

/** Whether a path is the other one or below it. */
export function isWithin(above: string, path: string, os: Os): boolean {
  if (path === above) return true;
  const separator = separatorOf(os);
  return path.startsWith(above.endsWith(separator) ? above : above + separator);
}

/** A path or name of the host as it is stored and reported. */
export const encodePath = (text: string, os: Os): string => encodeHostText(text, os);

const ESCAPED = /%([0-9A-F]{2})/;
/** A surrogate without its partner, in the three bytes that `encodeText` gives it. */
const SURROGATE = /%ED%([AB][0-9A-F])%([89AB][0-9A-F])/g;

/** The host text that was encoded: the inverse of `encodePath`. */
export function decodePath(text: string, os: Os): string {
  if (!ESCAPED.test(text)) return text;
  if (os !== 'win32') return decodeHostText(bytesOf(text));
  const parts = text.split(SURROGATE);
  // A split by a pattern with two groups gives text, group, group, text, …
  const decoded: string[] = [];
  for (let at = 0; at < parts.length; at += 3) {
    decoded.push(bytesOf(parts[at] ?? '').toString('utf8'));
    const [high, low] = [parts[at + 1], parts[at + 2]];
    if (high === undefined || low === undefined) continue;
    decoded.push(
      String.fromCharCode(0xd000 | ((parseInt(high, 16) & 0x3f) << 6) | (parseInt(low, 16) & 0x3f)),
    );
  }
  return decoded.join('');
}

function bytesOf(text: string): Buffer {
  const pieces = text.split(/%([0-9A-F]{2})/);
  return Buffer.concat(
    pieces.map((piece, n) => (n % 2 === 0 ? Buffer.from(piece, 'utf8') : Buffer.of(parseInt(piece, 16)))),
  );
}
