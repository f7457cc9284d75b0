import { processesLinux } from '../linux/processes.ts';
import { processes as processesWindows } from '../windows/processes.ts';
import { processes as processesMacos } from '../macos/processes.ts';
import type { TableSpec } from '../table.ts';

export const processesTable: TableSpec = {
  name: 'processes',
  group: 'runtime',
  description: 'Programs that run, seen in two samples 10 s apart.',
  key: 'executable path and user',
  columns: {
    path: 'executable path',
    name: 'file name of the executable',
    user: 'user name',
  },
  cost: 'medium',
  readers: { linux: processesLinux, win32: processesWindows, darwin: processesMacos },
};
