import { configLineLinux } from '../linux/probe-config-line.ts';
import type { TableSpec } from '../table.ts';
import { ConfigLineParams } from './params.ts';

export const configLineTable: TableSpec<ConfigLineParams> = {
  name: 'config_line',
  group: 'probes',
  description: 'Lines of a text file that match a pattern; values of secrets are blanked.',
  key: 'path, pattern, line and its number among equal lines',
  columns: {
    path: 'path',
    pattern: 'pattern of the task',
    line: 'the line without surrounding blanks, secrets blanked',
  },
  cost: 'low',
  params: ConfigLineParams,
  readers: { linux: configLineLinux, win32: configLineLinux, darwin: configLineLinux },
};
