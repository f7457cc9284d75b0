import { startupItemsLinux } from '../linux/startup-items.ts';
import { startupItems as startupItemsWindows } from '../windows/services.ts';
import { startupItems as startupItemsMacos } from '../macos/launchd.ts';
import type { TableSpec } from '../table.ts';

export const startupItemsTable: TableSpec = {
  name: 'startup_items',
  group: 'runtime',
  description: 'What starts with the system or a session, services apart.',
  key: 'kind, location, name and user',
  columns: {
    name: 'name',
    kind: 'autostart, rc.local, user unit, run key, startup folder, login item, agent',
    location: 'file, folder or registry key',
    command: 'command line',
    user: 'user it starts for, null for all',
    enabled: 'whether it is enabled',
  },
  cost: 'low',
  readers: { linux: startupItemsLinux, win32: startupItemsWindows, darwin: startupItemsMacos },
};
