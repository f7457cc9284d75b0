import { z } from 'zod';
import { joinKey } from '../key.ts';
import { readJson } from '../linux/json.ts';
import { isDirectory, listNames } from '../files.ts';
import { Unreadable, type KeyedRow, type ReadContext, type Reader } from '../table.ts';
import { dict, readPlist, textAt, type PlistValue } from './plist-file.ts';

/**
 * Application bundles, installer receipts, Homebrew.
 * Formats: Info.plist keys (Apple, "Information Property List"), receipts below /var/db/receipts (pkgutil(1)),
 * Homebrew's Cellar and Caskroom (docs.brew.sh, "Formula Cookbook" and "Cask Cookbook").
 */
const BUNDLE = /\.app$/i;

/** Folders of folders below Applications: Utilities, a vendor's own. */
const MAX_DEPTH = 2;

/** Bundles below a folder, not those inside bundles. */
function* bundlesBelow(
  context: ReadContext,
  folder: string,
  links: 'follow' | 'none',
  depth = 0,
): Generator<string> {
  for (const name of listNames(context, folder, { links })) {
    const path = `${folder}/${name}`;
    if (name.startsWith('.') || !isDirectory(context, path)) continue;
    if (BUNDLE.test(name)) yield path;
    else if (depth < MAX_DEPTH) yield* bundlesBelow(context, path, links, depth + 1);
  }
}

/** The row of a bundle; one whose Info.plist is missing or damaged is still there, by its path. */
async function bundleRow(context: ReadContext, path: string, user: string | null): Promise<KeyedRow> {
  let info: PlistValue | undefined;
  try {
    info = await readPlist(context, `${path}/Contents/Info.plist`, {
      links: user === null ? 'follow' : 'none',
    });
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
  }
  const row = {
    path,
    name: textAt(info, 'CFBundleDisplayName') ?? textAt(info, 'CFBundleName'),
    bundleId: textAt(info, 'CFBundleIdentifier'),
    version: textAt(info, 'CFBundleShortVersionString'),
    build: textAt(info, 'CFBundleVersion'),
    minimumSystem: textAt(info, 'LSMinimumSystemVersion'),
    user,
  };
  return { key: path, row };
}

const SHARED_FOLDERS = ['/Applications', '/System/Applications', '/System/Library/CoreServices/Applications'];

/** Names of home folders; `Shared` belongs to nobody. */
export function homeUsers(context: ReadContext): string[] {
  return listNames(context, '/Users').filter(
    (name) => name !== 'Shared' && !name.startsWith('.') && isDirectory(context, `/Users/${name}`),
  );
}

export const macosApps: Reader = {
  source: 'Info.plist of bundles below /Applications, /System/Applications and ~/Applications',
  root: 'partly',
  async *read(context) {
    const shared = SHARED_FOLDERS.map((folder) => ({ folder, user: null }));
    const own = homeUsers(context).map((user) => ({ folder: `/Users/${user}/Applications`, user }));
    for (const { folder, user } of [...shared, ...own]) {
      for (const path of bundlesBelow(context, folder, user === null ? 'follow' : 'none')) {
        yield await bundleRow(context, path, user);
        await context.breathe();
        if (context.signal.aborted) return;
      }
    }
  },
};

const RECEIPT_FOLDERS = ['/var/db/receipts', '/Library/Apple/System/Library/Receipts'];

export const pkgReceipts: Reader = {
  source: '/var/db/receipts, /Library/Apple/System/Library/Receipts',
  root: 'no',
  async *read(context) {
    const seen = new Set<string>();
    for (const folder of RECEIPT_FOLDERS) {
      for (const name of listNames(context, folder).filter((entry) => entry.endsWith('.plist'))) {
        const receipt = await readPlist(context, `${folder}/${name}`);
        const id = textAt(receipt, 'PackageIdentifier');
        if (id === null || seen.has(id)) continue;
        seen.add(id);
        const date = dict(receipt).get('InstallDate');
        const valid = date instanceof Date && !Number.isNaN(date.getTime());
        const row = {
          id,
          version: textAt(receipt, 'PackageVersion'),
          volume: '/',
          location: textAt(receipt, 'InstallPrefixPath'),
          installedAt: valid ? date.toISOString().replace(/\.\d+Z$/, 'Z') : null,
        };
        yield { key: id, row };
        await context.breathe();
      }
    }
  },
};

const PREFIXES = ['/opt/homebrew', '/usr/local'];

/** Every real folder below a folder; links, such as the aliases of renamed casks, are the same thing again. */
const foldersIn = (context: ReadContext, folder: string): string[] =>
  listNames(context, folder).filter(
    (name) => !name.startsWith('.') && isDirectory(context, `${folder}/${name}`),
  );

const Receipt = z.object({ source: z.object({ tap: z.string().nullish() }) });

/** The tap a formula came from; casks do not keep it beside their files. */
function tapOf(context: ReadContext, kind: string, path: string): string | null {
  if (kind !== 'formula') return null;
  const receipt = readJson(context, `${path}/INSTALL_RECEIPT.json`, Receipt, { links: 'none' });
  return receipt?.source.tap ?? null;
}

export const homebrew: Reader = {
  source: 'Cellar and Caskroom below /opt/homebrew and /usr/local',
  root: 'no',
  async *read(context) {
    for (const prefix of PREFIXES) {
      for (const [kind, room] of [
        ['formula', 'Cellar'],
        ['cask', 'Caskroom'],
      ] as const) {
        for (const name of foldersIn(context, `${prefix}/${room}`)) {
          for (const version of foldersIn(context, `${prefix}/${room}/${name}`)) {
            const path = `${prefix}/${room}/${name}/${version}`;
            const row = { name, version, kind, path, tap: tapOf(context, kind, path) };
            yield { key: joinKey(kind, name, version, prefix), row };
          }
          await context.breathe();
        }
      }
    }
  },
};
