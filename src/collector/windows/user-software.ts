import { isDirectory, listNames } from '../files.ts';
import { folderReader } from '../folder-reader.ts';
import type { Home } from '../linux/accounts.ts';
import { extensionsIn, type BrowserFolders } from '../linux/browser-extensions.ts';
import { packagesIn } from '../linux/npm-global.ts';
import { distributionsIn } from '../linux/python.ts';
import type { ReadContext, Reader } from '../table.ts';

/**
 * What people install for themselves: the folders on Windows; their content is the same on every system.
 * Sources of the folders: "Using Python on Windows" (docs.python.org), npm "folders" (docs.npmjs.com), Chromium
 * "User Data Directory", Mozilla "Profiles".
 */
const SHARED_HOMES = new Set(['public', 'default', 'default user', 'all users']);

function homes(context: ReadContext): Home[] {
  return listNames(context, 'C:/Users')
    .filter((user) => !SHARED_HOMES.has(user.toLowerCase()) && isDirectory(context, `C:/Users/${user}`))
    .map((user) => ({ user, path: `C:/Users/${user}` }));
}

export const python: Reader = folderReader({
  source: 'dist-info and egg-info in the site-packages of installed Pythons',
  everybody: [
    'C:/Program Files/Python3*/Lib/site-packages',
    'C:/Program Files (x86)/Python3*/Lib/site-packages',
    'C:/Python3*/Lib/site-packages',
  ],
  personal: [
    'AppData/Local/Programs/Python/Python3*/Lib/site-packages',
    'AppData/Roaming/Python/Python3*/site-packages',
  ],
  homes,
  rows: distributionsIn,
});

export const npmGlobal: Reader = folderReader({
  source: 'package.json in the global node_modules folders',
  everybody: ['C:/Program Files/nodejs/node_modules'],
  personal: ['AppData/Roaming/npm/node_modules'],
  homes,
  rows: packagesIn,
});

const BROWSERS: BrowserFolders = {
  chromium: [
    ['chrome', 'AppData/Local/Google/Chrome/User Data'],
    ['chromium', 'AppData/Local/Chromium/User Data'],
    ['edge', 'AppData/Local/Microsoft/Edge/User Data'],
    ['brave', 'AppData/Local/BraveSoftware/Brave-Browser/User Data'],
    ['vivaldi', 'AppData/Local/Vivaldi/User Data'],
  ],
  firefox: ['AppData/Roaming/Mozilla/Firefox/Profiles'],
};

export const browserExtensions: Reader = {
  source: 'extension manifests in Chromium profiles, extensions.json in Firefox profiles',
  root: 'partly',
  read: (context) => extensionsIn(context, homes(context), BROWSERS),
};
