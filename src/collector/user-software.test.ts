import { describe, expect, it } from 'vitest';
import * as macos from './macos/user-software.ts';
import { rowsOf, sampleContext } from './testing/sample-host.ts';
import * as windows from './windows/user-software.ts';

const EXTENSION = '{"name":"Blocker","version":"1.2.3","permissions":["tabs","<all_urls>"]}';
const METADATA = 'Metadata-Version: 2.1\nName: requests\nVersion: 2.31.0\n\nText\n';
const PACKAGE = '{"name":"@scope/tool","version":"4.0.1"}';

const CASES = [
  {
    os: 'win32' as const,
    readers: windows,
    site: 'C:/Program Files/Python312/Lib/site-packages',
    modules: 'C:/Users/jörg/AppData/Roaming/npm/node_modules',
    profile: 'C:/Users/jörg/AppData/Local/Google/Chrome/User Data/Default',
  },
  {
    os: 'darwin' as const,
    readers: macos,
    site: '/Users/jörg/Library/Python/3.9/lib/python/site-packages',
    modules: '/opt/homebrew/lib/node_modules',
    profile: '/Users/jörg/Library/Application Support/Google/Chrome/Default',
  },
];

describe.each(CASES)('what people install on $os', ({ os, readers, site, modules, profile }) => {
  const host = () =>
    sampleContext({
      os,
      files: {
        [`${site}/requests-2.31.0.dist-info/METADATA`]: METADATA,
        [`${site}/broken-1.dist-info/METADATA`]: '\u0000',
        [`${modules}/@scope/tool/package.json`]: PACKAGE,
        [`${modules}/broken/package.json`]: '{',
        [`${profile}/Extensions/abcdef/1.2.3_0/manifest.json`]: EXTENSION,
        [`${profile}/Extensions/broken/1/manifest.json`]: 'null',
      },
    });

  it('R018 holds Python distributions', async () => {
    const path = `${site}/requests-2.31.0.dist-info`;
    const rows = await rowsOf(readers.python, host());
    expect(rows.at(-1)).toEqual({
      key: path,
      row: { name: 'requests', version: '2.31.0', path, installer: null },
    });
  });

  it('R018 holds global npm packages, and passes over a broken one', async () => {
    const path = `${modules}/@scope/tool`;
    expect(await rowsOf(readers.npmGlobal, host())).toEqual([
      { key: path, row: { name: '@scope/tool', version: '4.0.1', path } },
    ]);
  });

  it('R018 holds browser extensions, and passes over a broken one', async () => {
    const row = {
      user: 'jörg',
      browser: 'chrome',
      profile: 'Default',
      id: 'abcdef',
      name: 'Blocker',
      version: '1.2.3',
      permissions: ['<all_urls>', 'tabs'],
    };
    expect(await rowsOf(readers.browserExtensions, host())).toEqual([
      { key: 'jörg|chrome|Default|abcdef', row },
    ]);
  });

  it('is nothing on an empty host', async () => {
    const empty = sampleContext({ os });
    for (const reader of Object.values(readers)) expect(await rowsOf(reader, empty)).toEqual([]);
  });
});
