import { browserExtensionsLinux } from '../linux/browser-extensions.ts';
import { browserExtensions as browserExtensionsWindows } from '../windows/user-software.ts';
import { browserExtensions as browserExtensionsMacos } from '../macos/user-software.ts';
import type { TableSpec } from '../table.ts';

export const browserExtensionsTable: TableSpec = {
  name: 'browser_extensions',
  group: 'software',
  description: 'Extensions of Chromium family browsers and Firefox.',
  key: 'user, browser, profile and extension id',
  columns: {
    user: 'user name',
    browser: 'chrome, chromium, edge, brave, vivaldi, opera, firefox',
    profile: 'profile folder',
    id: 'extension id',
    name: 'name',
    version: 'version',
    permissions: 'permissions asked for, sorted',
  },
  cost: 'medium',
  readers: { linux: browserExtensionsLinux, win32: browserExtensionsWindows, darwin: browserExtensionsMacos },
};
