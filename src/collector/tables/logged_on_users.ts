import { loggedOnUsersLinux } from '../linux/logged-on-users.ts';
import { loggedOnUsers as loggedOnUsersWindows } from '../windows/identity.ts';
import { loggedOnUsers as loggedOnUsersMacos } from '../macos/identity.ts';
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
  readers: { linux: loggedOnUsersLinux, win32: loggedOnUsersWindows, darwin: loggedOnUsersMacos },
};
