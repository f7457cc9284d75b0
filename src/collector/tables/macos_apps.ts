import { macosApps } from '../macos/software.ts';
import type { TableSpec } from '../table.ts';

export const macosAppsTable: TableSpec = {
  name: 'macos_apps',
  group: 'software',
  description: 'Application bundles.',
  key: 'path of the bundle',
  columns: {
    path: 'path of the bundle',
    name: 'name',
    bundleId: 'bundle identifier',
    version: 'short version string',
    build: 'bundle version',
    minimumSystem: 'least macOS version',
    user: 'owner of the Applications folder, null for shared ones',
  },
  cost: 'medium',
  readers: { darwin: macosApps },
};
