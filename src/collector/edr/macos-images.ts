import { lstatSync } from 'node:fs';
import type { EsFile } from '../fim/macos/es-message.ts';
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
      (stat?.st_size !== undefined && stat.st_size !== Number(now.size));
    if (isOther || !now.isFile()) return undefined;
    const { dev, ino, size, mtimeNs, ctimeNs, uid, mode } = now;
    return { dev, ino, size, mtimeNs, ctimeNs, uid: Number(uid), mode: Number(mode) };
  } catch {
    return undefined;
  }
}
