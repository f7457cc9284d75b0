import { batteryLinux } from '../linux/battery.ts';
import { battery as batteryWindows } from '../windows/storage.ts';
import { battery as batteryMacos } from '../macos/storage.ts';
import type { TableSpec } from '../table.ts';

export const batteryTable: TableSpec = {
  name: 'battery',
  group: 'system',
  description: 'Batteries: identity and design capacity.',
  key: 'serial number, else the device name',
  columns: {
    device: 'device name',
    vendor: 'manufacturer',
    model: 'model',
    serial: 'serial number',
    chemistry: 'cell chemistry',
    designCapacityMwh: 'design capacity in mWh',
  },
  cost: 'low',
  readers: { linux: batteryLinux, win32: batteryWindows, darwin: batteryMacos },
};
