import { sysctlLinux } from '../linux/probe-sysctl.ts';
import { sysctl as sysctlMacos } from '../macos/probes.ts';
import type { TableSpec } from '../table.ts';
import { SysctlParams } from './params.ts';

export const sysctlTable: TableSpec<SysctlParams> = {
  name: 'sysctl',
  group: 'probes',
  description: 'A kernel parameter.',
  key: 'name',
  columns: {
    name: 'name with dots',
    exists: 'whether this kernel has it',
    value: 'value, blanks squeezed',
  },
  cost: 'low',
  params: SysctlParams,
  readers: { linux: sysctlLinux, darwin: sysctlMacos },
};
