import { z } from 'zod';
import { folderReader } from '../folder-reader.ts';
import type { FileOptions } from '../open-file.ts';
import type { KeyedRow, ReadContext, Reader } from '../table.ts';
import { homes } from './accounts.ts';
import { readJson } from './json.ts';
import { namesIn } from './tolerant.ts';

const SYSTEM = [
  '/usr/lib/node_modules',
  '/usr/local/lib/node_modules',
  '/usr/share/nodejs',
  '/opt/*/lib/node_modules',
];
const PERSONAL = [
  '.npm-global/lib/node_modules',
  '.local/lib/node_modules',
  '.nvm/versions/node/*/lib/node_modules',
];

const PackageJson = z.object({ name: z.string().min(1), version: z.string().min(1) });

/** Folders of packages below a node_modules folder, scoped ones included. */
function packageFolders(context: ReadContext, folder: string, files: FileOptions): string[] {
  return namesIn(context, folder, files)
    .filter((name) => !name.startsWith('.'))
    .flatMap((name) =>
      name.startsWith('@')
        ? namesIn(context, `${folder}/${name}`, files).map((inner) => `${folder}/${name}/${inner}`)
        : [`${folder}/${name}`],
    );
}

/** Packages in node_modules folders; `links: 'none'` for folders that a user owns. */
export async function* packagesIn(
  context: ReadContext,
  folders: Iterable<string>,
  files: FileOptions,
): AsyncGenerator<KeyedRow> {
  for (const folder of new Set(folders)) {
    for (const path of packageFolders(context, folder, files)) {
      const found = readJson(context, `${path}/package.json`, PackageJson, files);
      if (found !== undefined) yield { key: path, row: { name: found.name, version: found.version, path } };
      await context.breathe();
    }
  }
}

export const npmGlobalLinux: Reader = folderReader({
  source: 'package.json in the global node_modules folders',
  everybody: SYSTEM,
  personal: PERSONAL,
  homes,
  rows: packagesIn,
});
