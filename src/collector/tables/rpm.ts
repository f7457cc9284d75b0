import { rpmLinux } from '../linux/rpm.ts';
import type { TableSpec } from '../table.ts';

export const rpmTable: TableSpec = {
  name: 'rpm',
  group: 'software',
  description: 'Packages of rpm.',
  key: 'name, epoch, version, release and architecture',
  columns: {
    name: 'package',
    epoch: 'epoch as a number, 0 where there is none',
    version: 'version',
    release: 'release',
    arch: 'architecture',
    source: 'source package file',
    vendor: 'vendor',
  },
  cost: 'medium',
  readers: { linux: rpmLinux },
};
