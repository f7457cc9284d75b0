import type { TableSpec } from '../table.ts';

export const loggedOnUsersTable: TableSpec = {
  name: 'logged_on_users',
  group: 'identity',
  description: 'Accounts that are logged on now; accounts, not sessions.',
  key: 'account name',
  columns: {
    user: 'account name',
  },
  cost: 'low',
  readers: {},
};
