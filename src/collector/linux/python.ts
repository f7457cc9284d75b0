import { folderReader } from '../folder-reader.ts';
import type { FileOptions } from '../open-file.ts';
import type { KeyedRow, ReadContext, Reader } from '../table.ts';
import { homes } from './accounts.ts';
import { namesIn, textOf } from './tolerant.ts';

/** Folders that hold distributions for everybody, by pattern. */
const SYSTEM = [
  '/usr/lib/python3/dist-packages',
  '/usr/lib/python*/site-packages',
  '/usr/lib/python*/dist-packages',
  '/usr/lib64/python*/site-packages',
  '/usr/local/lib/python*/dist-packages',
  '/usr/local/lib/python*/site-packages',
  '/usr/local/lib64/python*/site-packages',
  '/opt/*/lib/python*/site-packages',
];

/** The same for one person, below the home. */
const PERSONAL = ['.local/lib/python*/site-packages', '.pyenv/versions/*/lib/python*/site-packages'];

const METADATA = /^(?<name>[^~-][^-]*)(?:-(?<version>[^-]+?))?(?:-py[\d.]+)?\.(?<kind>dist-info|egg-info)$/;

/** A header of core metadata; the description after the first empty line does not count. */
function header(metadata: string, name: string): string | undefined {
  const end = metadata.search(/\r?\n\r?\n/);
  const head = end < 0 ? metadata : metadata.slice(0, end);
  // Trimmed afterwards: blanks in the pattern would take time in the square of their number, and people own these files.
  const value = new RegExp(`^${name}:(.*)$`, 'mi').exec(head)?.[1]?.trim();
  return value === '' ? undefined : value;
}

/** The row of one metadata folder or file; `undefined` for other names (PyPA "Recording installed projects", egg-info). */
function distribution(
  context: ReadContext,
  folder: string,
  entry: string,
  files: FileOptions,
): KeyedRow | undefined {
  const named = METADATA.exec(entry)?.groups;
  if (named === undefined) return undefined;
  const path = `${folder}/${entry}`;
  const metadata =
    named['kind'] === 'dist-info'
      ? textOf(context, `${path}/METADATA`, files)
      : (textOf(context, `${path}/PKG-INFO`, files) ?? textOf(context, path, files));
  const name = header(metadata ?? '', 'Name') ?? named['name'];
  const version = header(metadata ?? '', 'Version') ?? named['version'];
  if (name === undefined || version === undefined) return undefined;
  const installer = textOf(context, `${path}/INSTALLER`, files)?.trim() ?? '';
  return { key: path, row: { name, version, path, installer: installer === '' ? null : installer } };
}

/** Distributions in site folders; `links: 'none'` for folders that a user owns. */
export async function* distributionsIn(
  context: ReadContext,
  folders: Iterable<string>,
  files: FileOptions,
): AsyncGenerator<KeyedRow> {
  for (const folder of new Set(folders)) {
    for (const entry of namesIn(context, folder, files)) {
      const row = distribution(context, folder, entry, files);
      if (row === undefined) continue;
      yield row;
      await context.breathe();
    }
  }
}

export const pythonLinux: Reader = folderReader({
  source: 'dist-info and egg-info in the site folders of the system, /opt and homes',
  everybody: SYSTEM,
  personal: PERSONAL,
  homes,
  rows: distributionsIn,
});
