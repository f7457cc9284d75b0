import { windowsPrograms } from '../windows/software.ts';
import type { TableSpec } from '../table.ts';

export const windowsProgramsTable: TableSpec = {
  name: 'windows_programs',
  group: 'software',
  description: 'Installed programs from the Uninstall keys, machine and users, 64 and 32 bit.',
  key: 'scope, view and subkey',
  columns: {
    name: 'display name',
    version: 'display version',
    publisher: 'publisher',
    installLocation: 'folder',
    scope: 'machine or user',
    user: 'user it is installed for, null for the machine',
    view: '64 or 32',
    keyName: 'name of the Uninstall subkey',
    installDate: 'as the installer wrote it',
    systemComponent: 'whether it hides from the list of programs',
  },
  cost: 'low',
  readers: { win32: windowsPrograms },
};
