import { npmGlobalLinux } from '../linux/npm-global.ts';
import { npmGlobal as npmGlobalWindows } from '../windows/user-software.ts';
import { npmGlobal as npmGlobalMacos } from '../macos/user-software.ts';
import type { TableSpec } from '../table.ts';

export const npmGlobalTable: TableSpec = {
  name: 'npm_global',
  group: 'software',
  description: 'Globally installed npm packages.',
  key: 'path of the package',
  columns: {
    name: 'package',
    version: 'version',
    path: 'folder of the package',
  },
  cost: 'low',
  readers: { linux: npmGlobalLinux, win32: npmGlobalWindows, darwin: npmGlobalMacos },
};
