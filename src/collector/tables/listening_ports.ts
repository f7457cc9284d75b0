import { listeningPortsLinux } from '../linux/listening-ports.ts';
import { listeningPorts as listeningPortsWindows } from '../windows/processes.ts';
import { listeningPorts as listeningPortsMacos } from '../macos/processes.ts';
import type { TableSpec } from '../table.ts';

export const listeningPortsTable: TableSpec = {
  name: 'listening_ports',
  group: 'network',
  description: 'Ports that something on this host listens on, seen in two samples 10 s apart.',
  key: 'protocol, address, port, executable and user',
  columns: {
    protocol: 'tcp, tcp6, udp or udp6',
    address: 'local address',
    port: 'port number',
    path: 'executable of the owner, null where it cannot be known',
    user: 'user of the owner',
  },
  cost: 'medium',
  readers: { linux: listeningPortsLinux, win32: listeningPortsWindows, darwin: listeningPortsMacos },
};
