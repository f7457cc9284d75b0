import { wifiLinux } from '../linux/wifi.ts';
import { wifi as wifiWindows } from '../windows/network.ts';
import { wifi as wifiMacos } from '../macos/network.ts';
import type { TableSpec } from '../table.ts';

export const wifiTable: TableSpec = {
  name: 'wifi',
  group: 'network',
  description: 'Wireless adapters: identity only.',
  key: 'interface name',
  columns: {
    interface: 'interface name',
    vendor: 'vendor',
    model: 'model',
    mac: 'MAC address',
    driver: 'driver',
  },
  cost: 'low',
  readers: { linux: wifiLinux, win32: wifiWindows, darwin: wifiMacos },
};
