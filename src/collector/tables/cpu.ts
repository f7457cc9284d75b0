import { cpuLinux } from '../linux/cpu.ts';
import { cpu as cpuWindows } from '../windows/system.ts';
import { cpu as cpuMacos } from '../macos/system.ts';
import type { TableSpec } from '../table.ts';

export const cpuTable: TableSpec = {
  name: 'cpu',
  group: 'system',
  description: 'Processor packages.',
  key: 'number of the package (socket)',
  columns: {
    vendor: 'vendor',
    brand: 'model name',
    family: 'family number as text',
    model: 'model number as text',
    stepping: 'stepping as text',
    cores: 'physical cores of the package',
    threads: 'logical processors of the package',
    arch: 'architecture',
  },
  cost: 'low',
  readers: { linux: cpuLinux, win32: cpuWindows, darwin: cpuMacos },
};
