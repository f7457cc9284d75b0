import { routesLinux } from '../linux/routes.ts';
import { routes as routesWindows } from '../windows/network.ts';
import { routes as routesMacos } from '../macos/network.ts';
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
  readers: { linux: routesLinux, win32: routesWindows, darwin: routesMacos },
};
