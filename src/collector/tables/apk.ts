import { apkLinux } from '../linux/apk.ts';
import type { TableSpec } from '../table.ts';

export const apkTable: TableSpec = {
  name: 'apk',
  group: 'software',
  description: 'Packages of apk.',
  key: 'package name',
  columns: {
    name: 'package',
    version: 'version as apk writes it',
    arch: 'architecture',
    source: 'origin package',
    maintainer: 'maintainer',
  },
  cost: 'low',
  readers: { linux: apkLinux },
};
