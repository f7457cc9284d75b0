import type { TableSpec } from '../table.ts';

export const mountsTable: TableSpec = {
  name: 'mounts',
  group: 'system',
  description: 'Mounted filesystems that last: no pseudo filesystems, no container layers.',
  key: 'mount point',
  columns: {
    path: 'mount point',
    device: 'device or share',
    fsType: 'filesystem type',
    options: 'mount options, sorted',
    label: 'volume label',
    capacityBytes: 'capacity in bytes, null where the filesystem has no fixed one',
  },
  cost: 'low',
  readers: {},
};
