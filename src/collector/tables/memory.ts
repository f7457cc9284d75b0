import { memoryLinux } from '../linux/memory.ts';
import { memory as memoryWindows } from '../windows/system.ts';
import { memory as memoryMacos } from '../macos/system.ts';
import type { TableSpec } from '../table.ts';

export const memoryTable: TableSpec = {
  name: 'memory',
  group: 'system',
  description: 'Installed memory, capacity only.',
  key: '`total`, or slot, part number and serial number of a module, and its number among equal ones',
  columns: {
    capacityBytes: 'capacity in bytes',
    type: 'memory technology of a module',
    manufacturer: 'manufacturer of a module',
    partNumber: 'part number of a module',
    serial: 'serial number of a module',
  },
  cost: 'low',
  readers: { linux: memoryLinux, win32: memoryWindows, darwin: memoryMacos },
};
