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
  readers: {},
};
