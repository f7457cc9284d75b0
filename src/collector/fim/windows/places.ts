import { readFileSync, statSync } from 'node:fs';
import { z } from 'zod';
import { replaceFile } from '../../replace-file.ts';

/** Largest file that is read back, bytes. */
const MOST_BYTES = 64 * 1024;

const Number64 = z.string().regex(/^\d{1,20}$/);

/** Up to where journals and log were read, from one run to the next. */
const PlacesFile = z.object({
  version: z.literal(1),
  /** By drive letter. */
  journals: z.record(z.string().regex(/^[A-Z]$/), z.object({ journal: Number64, next: Number64 })),
  /** Number of the last record of the Security log; `null` where it was never read. */
  log: z.number().int().min(0).nullable(),
  /** When processes were followed last, ms since the epoch; `null` where the module was off. */
  processes: z.number().int().min(0).nullable(),
});
export type Places = Omit<z.infer<typeof PlacesFile>, 'version'>;

export const NO_PLACES: Places = { journals: {}, log: null, processes: null };

/** What the run before kept; nothing where there was none, or it can't be read: then all that is told begins now. */
export function loadPlaces(path: string): Places {
  try {
    if (statSync(path).size > MOST_BYTES) return NO_PLACES;
    const { version: _version, ...places } = PlacesFile.parse(JSON.parse(readFileSync(path, 'utf8')));
    return places;
  } catch {
    return NO_PLACES;
  }
}

/** Keeps them for the next run; the file is replaced as a whole. Throws what the disk says. */
export function savePlaces(path: string, places: Places): void {
  replaceFile(path, JSON.stringify({ version: 1, ...places } satisfies z.input<typeof PlacesFile>));
}
