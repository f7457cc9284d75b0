import { readLinuxPower } from './linux.ts';
import { readMacosPower } from './macos.ts';
import type { ReadPower } from './power.ts';
import { windowsReader } from './windows.ts';

/** How this host is asked for its power. */
export function powerReader(platform: NodeJS.Platform = process.platform): ReadPower {
  if (platform === 'win32') return windowsReader();
  if (platform === 'darwin') return readMacosPower;
  return () => Promise.resolve(readLinuxPower());
}
