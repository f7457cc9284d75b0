import { timezoneLinux } from '../linux/timezone.ts';
import { timezone as timezoneWindows } from '../windows/system.ts';
import { timezone as timezoneMacos } from '../macos/system.ts';
import type { TableSpec } from '../table.ts';

export const timezoneTable: TableSpec = {
  name: 'timezone',
  group: 'system',
  description: 'Time zone of the host.',
  key: 'the constant `timezone`',
  columns: {
    name: 'IANA name on Linux and macOS, Windows zone id on Windows',
  },
  cost: 'low',
  readers: { linux: timezoneLinux, win32: timezoneWindows, darwin: timezoneMacos },
};
