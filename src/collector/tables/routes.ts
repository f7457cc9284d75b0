import type { TableSpec } from '../table.ts';

export const routesTable: TableSpec = {
  name: 'routes',
  group: 'network',
  description: 'Unicast routes.',
  key: 'destination, gateway and interface',
  columns: {
    family: 'ipv4 or ipv6',
    destination: 'destination network with prefix length',
    gateway: 'gateway, null for directly attached networks',
    interface: 'interface name',
    metric: 'metric',
  },
  cost: 'low',
  readers: {},
};
