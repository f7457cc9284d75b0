import { debLinux } from '../linux/deb.ts';
import type { TableSpec } from '../table.ts';

export const debTable: TableSpec = {
  name: 'deb',
  group: 'software',
  description: 'Packages of dpkg, exactly those that dpkg-query -W lists.',
  key: '`name:architecture`',
  columns: {
    name: 'binary package',
    version: 'version as dpkg writes it',
    arch: 'architecture',
    source: 'source package',
    sourceVersion: 'version of the source package',
    status: 'state of the package: installed, config-files, half-configured …',
    want: 'what the administrator wants: install, hold, deinstall, purge',
    section: 'archive section',
    maintainer: 'maintainer',
    installedSizeKib: 'installed size in KiB',
  },
  cost: 'low',
  readers: { linux: debLinux },
};
