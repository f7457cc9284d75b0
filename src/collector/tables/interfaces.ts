import { interfacesLinux } from '../linux/interfaces.ts';
import { interfaces as interfacesWindows } from '../windows/network.ts';
import { interfaces as interfacesMacos } from '../macos/network.ts';
import type { TableSpec } from '../table.ts';

export const interfacesTable: TableSpec = {
  name: 'interfaces',
  group: 'network',
  description: 'Network interfaces.',
  key: 'interface name',
  columns: {
    name: 'interface name',
    mac: 'MAC address, lower case with colons',
    type: 'ethernet, wifi, loopback, bridge, bond, tunnel, vlan, other',
    virtual: 'whether no hardware is behind it',
  },
  cost: 'low',
  readers: { linux: interfacesLinux, win32: interfacesWindows, darwin: interfacesMacos },
};
