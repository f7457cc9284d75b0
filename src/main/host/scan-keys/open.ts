import type { Clock } from '../../clock.ts';
import { loadRegistryApi } from '../registry.ts';
import { fileScanKeys } from './file-keys.ts';
import { registryScanKeys } from './registry-keys.ts';
import { loadRegistryNotify } from './registry-signs.ts';
import type { ScanKeys } from './scan-keys.ts';

/** The keys of scans of this host below a root: files on Linux and macOS, the registry on Windows. Throws where koffi can't load. */
export function openScanKeys(root: string, platform: NodeJS.Platform, clock: Clock): ScanKeys {
  if (platform !== 'win32') return fileScanKeys(root, clock);
  return registryScanKeys(loadRegistryApi(), loadRegistryNotify(), root, clock);
}
