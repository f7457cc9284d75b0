import { lstatSync } from 'node:fs';
import { hostPathBytes } from '../../text.ts';
import type { Os } from '../../table.ts';
import { decodePath } from './host-path.ts';
import type { Row } from './row.ts';

/**
 * Whether the inode of a row stands at an encoded path now; no for what can't be looked at. It is only compared and never
 * read: links above it lead to no harm.
 */
export function isStillAt(key: string, row: Row, os: Os): boolean {
  try {
    const path = hostPathBytes(decodePath(key, os));
    const stat = lstatSync(path, { bigint: true, throwIfNoEntry: false });
    return stat?.ino === BigInt.asUintN(64, row.inode) && stat.dev === row.device;
  } catch {
    return false;
  }
}
