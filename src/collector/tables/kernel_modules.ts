import { kernelModulesLinux } from '../linux/kernel-modules.ts';
import type { TableSpec } from '../table.ts';

export const kernelModulesTable: TableSpec = {
  name: 'kernel_modules',
  group: 'runtime',
  description: 'Kernel modules that are loaded.',
  key: 'module name',
  columns: {
    name: 'module',
    version: 'version the module states',
    sourceVersion: 'source checksum the module states',
    outOfTree: 'whether it was built outside the kernel tree',
  },
  cost: 'low',
  readers: { linux: kernelModulesLinux },
};
