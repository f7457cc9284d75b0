import { windowsHotfixes } from '../windows/software.ts';
import type { TableSpec } from '../table.ts';

export const windowsHotfixesTable: TableSpec = {
  name: 'windows_hotfixes',
  group: 'software',
  description: 'Installed Windows updates.',
  key: 'hotfix id; of several records of one the earliest is shown',
  columns: {
    id: 'KB number',
    description: 'kind of update',
    installedOn: 'date of installation as YYYY-MM-DD, null where unknown',
  },
  cost: 'medium',
  readers: { win32: windowsHotfixes },
};
