import { flatpakLinux } from '../linux/flatpak.ts';
import type { TableSpec } from '../table.ts';

export const flatpakTable: TableSpec = {
  name: 'flatpak',
  group: 'software',
  description: 'Flatpak applications and runtimes.',
  key: 'installation, kind, id, architecture and branch',
  columns: {
    id: 'application or runtime id',
    kind: 'app or runtime',
    arch: 'architecture',
    branch: 'branch',
    version: "version from the application's metadata",
    origin: 'remote it came from',
    commit: 'deployed commit',
    installation: '`system` or the user name',
  },
  cost: 'low',
  readers: { linux: flatpakLinux },
};
