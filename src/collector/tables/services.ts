import { servicesLinux } from '../linux/services.ts';
import { services as servicesWindows } from '../windows/services.ts';
import { services as servicesMacos } from '../macos/launchd.ts';
import type { TableSpec } from '../table.ts';

export const servicesTable: TableSpec = {
  name: 'services',
  group: 'runtime',
  description: 'Services and how they start.',
  key: 'manager and service name',
  columns: {
    name: 'service name',
    manager: 'systemd, sysv, scm or launchd',
    displayName: 'name or description for people',
    startMode: 'enabled, disabled, masked, static, alias, generated, auto, manual …',
    path: 'unit file, property list or script',
    command: 'command line it starts',
    user: 'account it runs as',
  },
  cost: 'low',
  readers: { linux: servicesLinux, win32: servicesWindows, darwin: servicesMacos },
};
