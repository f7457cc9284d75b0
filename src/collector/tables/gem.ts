import { gemLinux } from '../linux/gem.ts';
import type { TableSpec } from '../table.ts';

export const gemTable: TableSpec = {
  name: 'gem',
  group: 'software',
  description: 'Ruby gems.',
  key: 'path of the specification',
  columns: {
    name: 'gem',
    version: 'version',
    platform: 'platform, `ruby` for pure Ruby',
    path: 'specification file',
  },
  cost: 'low',
  readers: { linux: gemLinux },
};
