import { homebrew as homebrewMacos } from '../macos/software.ts';
import type { TableSpec } from '../table.ts';

export const homebrewTable: TableSpec = {
  name: 'homebrew',
  group: 'software',
  description: 'Homebrew formulae and casks.',
  key: 'kind, name and version',
  columns: {
    name: 'formula or cask',
    version: 'version',
    kind: 'formula or cask',
    path: 'folder of this version',
    tap: 'tap it came from',
  },
  cost: 'low',
  readers: { darwin: homebrewMacos },
};
