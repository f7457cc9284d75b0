import type { Clock } from '../../clock.ts';
import { fileScanKeys } from './file-keys.ts';
import type { ScanKeys } from './scan-keys.ts';

/** The keys of scans of this host below a root: files on Linux and macOS. */
export function openScanKeys(root: string, _platform: NodeJS.Platform, clock: Clock): ScanKeys {
  return fileScanKeys(root, clock);
}
