import { pkgReceipts as pkgReceiptsMacos } from '../macos/software.ts';
import type { TableSpec } from '../table.ts';

export const pkgReceiptsTable: TableSpec = {
  name: 'pkg_receipts',
  group: 'software',
  description: 'Receipts of the macOS installer.',
  key: 'package id',
  columns: {
    id: 'package id',
    version: 'version',
    volume: 'volume',
    location: 'install location',
    installedAt: 'RFC 3339 time of installation',
  },
  cost: 'low',
  readers: { darwin: pkgReceiptsMacos },
};
