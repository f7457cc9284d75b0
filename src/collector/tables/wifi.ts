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
  readers: {},
};
