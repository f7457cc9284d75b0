import { containersLinux } from '../linux/containers.ts';
import type { TableSpec } from '../table.ts';

export const containersTable: TableSpec = {
  name: 'containers',
  group: 'runtime',
  description: 'Containers known to a local runtime, running or not.',
  key: 'runtime and container id',
  columns: {
    runtime: 'docker or podman',
    id: 'container id',
    name: 'name',
    image: 'image reference',
    imageId: 'image id',
    createdAt: 'time of creation as the runtime wrote it',
    user: 'owner of rootless containers, null for root',
  },
  cost: 'medium',
  readers: { linux: containersLinux },
};
