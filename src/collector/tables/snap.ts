import { snapLinux } from '../linux/snap.ts';
import type { TableSpec } from '../table.ts';

export const snapTable: TableSpec = {
  name: 'snap',
  group: 'software',
  description: 'Snaps in their current revision.',
  key: 'snap name',
  columns: {
    name: 'snap',
    version: 'version',
    revision: 'revision',
    type: 'app, base, gadget, kernel, snapd',
    channel: 'tracked channel',
    base: 'base snap',
  },
  cost: 'low',
  readers: { linux: snapLinux },
};
