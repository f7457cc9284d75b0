import { msiProducts as msiProductsWindows } from '../windows/software.ts';
import type { TableSpec } from '../table.ts';

export const msiProductsTable: TableSpec = {
  name: 'msi_products',
  group: 'software',
  description: 'Products of Windows Installer.',
  key: 'product code',
  columns: {
    productCode: 'product code',
    name: 'product',
    version: 'version',
    publisher: 'publisher',
    packageName: 'name of the package file',
    installDate: 'YYYY-MM-DD, null where unknown',
    scope: 'machine or user',
  },
  cost: 'medium',
  readers: { win32: msiProductsWindows },
};
