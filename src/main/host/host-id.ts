import { parseUuid } from '../../shared/ids.ts';
import { readSmallFile, writeFileAtomic } from './atomic-file.ts';

/** The Host ID in its place: lower case and a newline in a file that everyone may read (R015). */
export type HostIdRead =
  | { readonly state: 'absent' }
  | { readonly state: 'present'; readonly hostId: string }
  | { readonly state: 'invalid' };

/** Reads the Host ID file. A file that holds something else is `invalid`: never overwritten silently. */
export function readHostId(path: string): HostIdRead {
  const text = readSmallFile(path, 4096);
  if (text === undefined) return { state: 'absent' };
  const hostId = parseUuid(text);
  return hostId === undefined ? { state: 'invalid' } : { state: 'present', hostId };
}

/** Stores a Host ID that the platform has confirmed (R092). */
export function writeHostId(path: string, hostId: string): void {
  writeFileAtomic(path, `${hostId}\n`, 0o644);
}
