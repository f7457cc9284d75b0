import type { z } from 'zod';
import { readText, type FileOptions, type Place } from '../files.ts';

/**
 * A JSON file of the host, parsed and validated; `undefined` where it is absent, unreadable or of another shape: one
 * broken file of many must not hide the rest.
 */
export function readJson<T>(
  place: Place,
  path: string,
  schema: z.ZodType<T>,
  options: FileOptions = {},
): T | undefined {
  try {
    const text = readText(place, path, options);
    if (text === undefined) return undefined;
    const parsed = schema.safeParse(JSON.parse(text.replace(/^\ufeff/, '')));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}
