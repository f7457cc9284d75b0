import type { z } from 'zod';
import { readText } from '../files.ts';
import type { FileOptions, Place } from '../open-file.ts';

/** Bounds on a document: its values in memory can be fifty times the size of its text. Real ones have a tenth. */
const MAX_DEPTH = 64;
const MAX_VALUES = 200_000;

const code = (char: string): number => char.charCodeAt(0);
const QUOTE = code('"');
const BACKSLASH = code('\\');
const COMMA = code(',');
const OPENING: ReadonlySet<number> = new Set(['[', '{'].map(code));
const CLOSING: ReadonlySet<number> = new Set([']', '}'].map(code));

/** Whether a JSON text stays within the bounds; looked at before it is parsed. */
export function isModest(text: string): boolean {
  let depth = 0;
  let values = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charCodeAt(at);
    if (char === QUOTE) quoted = !quoted;
    else if (quoted && char === BACKSLASH) at += 1;
    else if (quoted) continue;
    else if (OPENING.has(char)) depth += 1;
    else if (CLOSING.has(char)) depth -= 1;
    else if (char === COMMA) values += 1;
    if (depth > MAX_DEPTH || values > MAX_VALUES) return false;
  }
  return true;
}

/**
 * A JSON file of the host, parsed and validated; `undefined` where it is absent, unreadable, of another shape, nested
 * deeper than 64 or of more than 200,000 values: one broken file of many must not hide the rest.
 */
export function readJson<T>(
  place: Place,
  path: string,
  schema: z.ZodType<T>,
  options: FileOptions = {},
): T | undefined {
  try {
    const text = readText(place, path, options)?.replace(/^\ufeff/, '');
    if (text === undefined || !isModest(text)) return undefined;
    const parsed = schema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}
