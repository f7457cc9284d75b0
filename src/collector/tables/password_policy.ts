import type { TableSpec } from '../table.ts';

export const passwordPolicyTable: TableSpec = {
  name: 'password_policy',
  group: 'identity',
  description: 'Rules for local passwords.',
  key: 'source and setting',
  columns: {
    source: 'file or system database',
    setting: 'name of the setting',
    value: 'value as text',
  },
  cost: 'low',
  readers: {},
};
