import { MAX_SCRIPT } from './job.ts';

/** Why a script could not be had, in plain words and without credentials. An expected outcome. */
export class Unavailable extends Error {
  override readonly name = 'Unavailable';
}

/** A script as it was read from where it is kept. */
export interface LoadedScript {
  readonly script: string;
  /** How long it may be used before it is read again, ms. */
  readonly freshMs: number;
}

/** What a larger script is refused with. */
export const TOO_LARGE = `is larger than ${MAX_SCRIPT} bytes`;

/**
 * The text of a script: a byte order mark decides, then the charset that its server names, then UTF-8 where it is valid;
 * what is left is Windows-1252, of which Latin-1 is a part. Takes any bytes, never throws.
 */
export function decodeScript(bytes: Uint8Array, charset?: string): string {
  for (const label of [markOf(bytes) ?? charset, 'utf-8']) {
    const text = label === undefined ? undefined : decode(bytes, label);
    if (text !== undefined) return text;
  }
  return new TextDecoder('windows-1252').decode(bytes);
}

/** The charset that a `Content-Type` names. */
export function charsetOf(contentType: string | undefined): string | undefined {
  return /;\s*charset\s*=\s*"?(?<charset>[\w.:-]+)/i.exec(contentType ?? '')?.groups?.['charset'];
}

function markOf(bytes: Uint8Array): string | undefined {
  const [first, second, third] = bytes;
  if (first === 0xef && second === 0xbb && third === 0xbf) return 'utf-8';
  if (first === 0xfe && second === 0xff) return 'utf-16be';
  if (first === 0xff && second === 0xfe) return 'utf-16le';
  return undefined;
}

function decode(bytes: Uint8Array, label: string): string | undefined {
  try {
    return new TextDecoder(label, { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
