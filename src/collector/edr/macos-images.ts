import { lstatSync } from 'node:fs';
import type { EsFile, EsInstant } from '../fim/macos/es-message.ts';
import type { ImageFile } from './read-process.ts';

/**
 * The file of a program that Endpoint Security told of, as it stands at its path now; `undefined` where that is another one by
 * now, or none.
 */
export function imageNow({ path, stat }: EsFile): ImageFile | undefined {
  try {
    const now = lstatSync(path, { bigint: true });
    // JSON has these numbers as doubles: the same number is rounded to the same double.
    const isOther =
      (stat?.st_ino !== undefined && stat.st_ino !== Number(now.ino)) ||
      (stat?.st_size !== undefined && stat.st_size !== Number(now.size)) ||
      // One that was written in place differs in nothing else; its time of writing may have been set back, the other can't be.
      isAnotherTime(stat?.st_mtimespec, now.mtimeNs) ||
      isAnotherTime(stat?.st_ctimespec, now.ctimeNs);
    if (isOther || !now.isFile()) return undefined;
    const { dev, ino, size, mtimeNs, ctimeNs, uid, mode } = now;
    return { dev, ino, size, mtimeNs, ctimeNs, uid: Number(uid), mode: Number(mode) };
  } catch {
    return undefined;
  }
}

/** Whether a time differs from what was told of it, as far as that goes; nothing differs from what is not known. */
const isAnotherTime = (told: EsInstant | undefined, ns: bigint): boolean =>
  told !== undefined && (ns < told.ns || ns >= told.ns + told.step);
