import { groupsLinux } from '../linux/groups.ts';
import { groups as groupsWindows } from '../windows/identity.ts';
import { groups as groupsMacos } from '../macos/identity.ts';
import type { TableSpec } from '../table.ts';

export const groupsTable: TableSpec = {
  name: 'groups',
  group: 'identity',
  description: 'Local groups.',
  key: 'group name',
  columns: {
    name: 'group name',
    id: 'gid or SID',
    members: 'member accounts, sorted',
  },
  cost: 'low',
  readers: { linux: groupsLinux, win32: groupsWindows, darwin: groupsMacos },
};
