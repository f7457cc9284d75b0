import { addressesLinux } from '../linux/addresses.ts';
import { addresses as addressesWindows } from '../windows/network.ts';
import { addresses as addressesMacos } from '../macos/network.ts';
import type { TableSpec } from '../table.ts';

export const addressesTable: TableSpec = {
  name: 'addresses',
  group: 'network',
  description: 'IP addresses that stay: no temporary privacy addresses.',
  key: 'interface and address with prefix',
  columns: {
    interface: 'interface name',
    family: 'ipv4 or ipv6',
    address: 'address',
    prefixLength: 'prefix length in bits',
    scope: 'global, link, host',
  },
  cost: 'low',
  readers: { linux: addressesLinux, win32: addressesWindows, darwin: addressesMacos },
};
