import { passwordPolicyLinux } from '../linux/password-policy.ts';
import { passwordPolicy as passwordPolicyWindows } from '../windows/identity.ts';
import { passwordPolicy as passwordPolicyMacos } from '../macos/identity.ts';
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
  readers: { linux: passwordPolicyLinux, win32: passwordPolicyWindows, darwin: passwordPolicyMacos },
};
