import { plist as plistMacos } from '../macos/probes.ts';
import type { TableSpec } from '../table.ts';
import { PlistParams } from './params.ts';

export const plistTable: TableSpec<PlistParams> = {
  name: 'plist',
  group: 'probes',
  description: 'A value in a macOS property list.',
  key: 'path and key path',
  columns: {
    path: 'path',
    key: 'key path with dots, empty for the whole list',
    exists: 'whether it exists',
    type: 'string, integer, boolean, date, data, array, dictionary',
    value: 'value as text',
  },
  cost: 'low',
  params: PlistParams,
  readers: { darwin: plistMacos },
};
