import { usersLinux } from '../linux/users.ts';
import { users as usersWindows } from '../windows/identity.ts';
import { users as usersMacos } from '../macos/identity.ts';
import type { TableSpec } from '../table.ts';

export const usersTable: TableSpec = {
  name: 'users',
  group: 'identity',
  description: 'Local accounts.',
  key: 'account name',
  columns: {
    name: 'account name',
    id: 'uid or SID',
    groupId: 'primary gid, null on Windows',
    fullName: 'full name',
    home: 'home directory',
    shell: 'login shell',
    disabled: 'whether no login is possible with a password',
    passwordState: 'set, locked or none; null where it cannot be read',
  },
  cost: 'low',
  readers: { linux: usersLinux, win32: usersWindows, darwin: usersMacos },
};
