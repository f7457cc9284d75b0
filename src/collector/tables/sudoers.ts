import { sudoersLinux } from '../linux/sudoers.ts';
import type { TableSpec } from '../table.ts';

export const sudoersTable: TableSpec = {
  name: 'sudoers',
  group: 'identity',
  description: 'Rules of sudo.',
  key: 'file and rule',
  columns: {
    file: 'file',
    rule: 'rule in one line',
  },
  cost: 'low',
  readers: { linux: sudoersLinux, darwin: sudoersLinux },
};
