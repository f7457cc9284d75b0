import { lstatSync, type Stats } from 'node:fs';
import { UnsafeFile } from './atomic-file.ts';

/**
 * Throws `UnsafeFile` for a file or folder that others than root and this user may have written. A link passes: its rights
 * are no rights, and whoever reads it has to refuse it. So does what is not there.
 */
export function refuseForeign(path: string): void {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  const uid = process.geteuid?.();
  if (stat === undefined || uid === undefined || stat.isSymbolicLink()) return;
  const reason = foreign(stat, uid);
  if (reason !== undefined) throw new UnsafeFile(reason);
}

function foreign({ mode, uid, gid }: Stats, own: number): string | undefined {
  if ((mode & 0o002) !== 0) return 'every user may write it';
  if ((mode & 0o020) !== 0 && gid !== 0 && gid !== process.getegid?.())
    return `the group ${gid} may write it`;
  return uid !== 0 && uid !== own ? `it belongs to user ${uid}` : undefined;
}
