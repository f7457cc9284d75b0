import { osVersionLinux } from '../linux/os-version.ts';
import { osVersion as osVersionWindows } from '../windows/system.ts';
import { osVersion as osVersionMacos } from '../macos/system.ts';
import type { TableSpec } from '../table.ts';

export const osVersionTable: TableSpec = {
  name: 'os_version',
  group: 'system',
  description: 'The operating system and its release.',
  key: 'the constant `os`',
  columns: {
    family: 'linux, windows or macos',
    name: 'product name as the system gives it',
    id: 'short identifier: debian, ubuntu, windows, macos',
    idLike: 'identifiers of related systems, Linux only',
    version: 'version id: 12, 24.04, 10.0.22631, 14.5',
    release: 'finer release where there is one: 12.11, 23H2',
    codename: 'code name of the release',
    build: 'build identifier',
    edition: 'edition or variant',
  },
  cost: 'low',
  readers: { linux: osVersionLinux, win32: osVersionWindows, darwin: osVersionMacos },
};
