import { readFileSync, statSync } from 'node:fs';
import { z } from 'zod';
import { replaceFile } from '../replace-file.ts';

/** Largest file that is read back, bytes, and most items. */
const MOST_BYTES = 16 * 1024 * 1024;
const MOST_ITEMS = 50_000;

const State = z.object({
  version: z.literal(1),
  items: z.record(z.string().max(128), z.string().max(64)),
});

/** The items of the last look by key, each with the hash of what it was; `undefined` where there was none, or it can't be read. */
export function loadItems(path: string): Map<string, string> | undefined {
  try {
    if (statSync(path).size > MOST_BYTES) return undefined;
    return new Map(Object.entries(State.parse(JSON.parse(readFileSync(path, 'utf8'))).items));
  } catch {
    return undefined;
  }
}

/** Keeps them for the next start; the file is replaced as a whole. Throws what the disk says. */
export function saveItems(path: string, items: ReadonlyMap<string, string>): void {
  const kept = Object.fromEntries([...items].slice(0, MOST_ITEMS));
  replaceFile(path, JSON.stringify({ version: 1, items: kept } satisfies z.input<typeof State>));
}
