import { mountsLinux } from '../linux/mounts.ts';
import { mounts as mountsWindows } from '../windows/storage.ts';
import { mounts as mountsMacos } from '../macos/storage.ts';
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
  readers: { linux: mountsLinux, win32: mountsWindows, darwin: mountsMacos },
};
