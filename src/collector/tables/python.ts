import { pythonLinux } from '../linux/python.ts';
import { python as pythonWindows } from '../windows/user-software.ts';
import { python as pythonMacos } from '../macos/user-software.ts';
import type { TableSpec } from '../table.ts';

export const pythonTable: TableSpec = {
  name: 'python',
  group: 'software',
  description: 'Python distributions outside virtual environments.',
  key: 'path of the metadata',
  columns: {
    name: 'distribution',
    version: 'version',
    path: 'dist-info or egg-info path',
    installer: 'tool that installed it',
  },
  cost: 'medium',
  readers: { linux: pythonLinux, win32: pythonWindows, darwin: pythonMacos },
};
