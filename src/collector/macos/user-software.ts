import { folderReader } from '../folder-reader.ts';
import { extensionsIn, type BrowserFolders } from '../linux/browser-extensions.ts';
import { packagesIn } from '../linux/npm-global.ts';
import { distributionsIn } from '../linux/python.ts';
import type { ReadContext, Reader } from '../table.ts';
import { homeUsers } from './software.ts';

/**
 * What people install for themselves: the folders on macOS; their content is the same on every system.
 * Sources of the folders: "Using Python on a Mac" (docs.python.org), npm "folders" (docs.npmjs.com), docs.brew.sh,
 * Chromium "User Data Directory", Mozilla "Profiles".
 */
const homes = (context: ReadContext): { readonly user: string; readonly path: string }[] =>
  homeUsers(context).map((user) => ({ user, path: `/Users/${user}` }));

export const python: Reader = folderReader({
  source: 'dist-info and egg-info in the site-packages of installed Pythons',
  everybody: [
    '/Library/Python/*/site-packages',
    '/Library/Frameworks/Python.framework/Versions/3*/lib/python3*/site-packages',
    '/opt/homebrew/lib/python3*/site-packages',
    '/usr/local/lib/python3*/site-packages',
  ],
  personal: ['Library/Python/*/lib/python/site-packages', '.pyenv/versions/*/lib/python3*/site-packages'],
  homes,
  rows: distributionsIn,
});

export const npmGlobal: Reader = folderReader({
  source: 'package.json in the global node_modules folders',
  everybody: ['/usr/local/lib/node_modules', '/opt/homebrew/lib/node_modules'],
  personal: ['.npm-global/lib/node_modules', '.nvm/versions/node/*/lib/node_modules'],
  homes,
  rows: packagesIn,
});

const SUPPORT = 'Library/Application Support';
const BROWSERS: BrowserFolders = {
  chromium: [
    ['chrome', `${SUPPORT}/Google/Chrome`],
    ['chromium', `${SUPPORT}/Chromium`],
    ['edge', `${SUPPORT}/Microsoft Edge`],
    ['brave', `${SUPPORT}/BraveSoftware/Brave-Browser`],
    ['vivaldi', `${SUPPORT}/Vivaldi`],
  ],
  firefox: [`${SUPPORT}/Firefox/Profiles`],
};

export const browserExtensions: Reader = {
  source: 'extension manifests in Chromium profiles, extensions.json in Firefox profiles',
  root: 'partly',
  read: (context) => extensionsIn(context, homes(context), BROWSERS),
};
