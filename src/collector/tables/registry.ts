import { registry as registryWindows } from '../windows/registry.ts';
import type { TableSpec } from '../table.ts';
import { RegistryParams } from './params.ts';

export const registryTable: TableSpec<RegistryParams> = {
  name: 'registry',
  group: 'probes',
  description: 'Values of a Windows registry key.',
  key: 'key and value name',
  columns: {
    path: 'key with its hive',
    name: 'value name, empty for the default value',
    exists: 'whether it exists',
    type: 'REG_SZ, REG_DWORD …',
    value: 'data as text',
    view: '64 or 32',
  },
  cost: 'low',
  params: RegistryParams,
  readers: { win32: registryWindows },
};
