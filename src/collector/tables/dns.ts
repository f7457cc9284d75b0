import { dnsLinux } from '../linux/dns.ts';
import { dns as dnsWindows } from '../windows/network.ts';
import { dns as dnsMacos } from '../macos/network.ts';
import type { TableSpec } from '../table.ts';

export const dnsTable: TableSpec = {
  name: 'dns',
  group: 'network',
  description: 'Resolver configuration.',
  key: 'kind, value and interface',
  columns: {
    kind: 'nameserver, search or option',
    value: 'the value',
    interface: 'interface it belongs to, null where it is global',
  },
  cost: 'low',
  readers: { linux: dnsLinux, win32: dnsWindows, darwin: dnsMacos },
};
