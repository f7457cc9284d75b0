import { z } from 'zod';
import { joinKey } from '../key.ts';
import type { KeyedRow, ReadContext, Reader } from '../table.ts';
import { homes, type Home } from './accounts.ts';
import { readJson } from './json.ts';
import { expand, namesIn } from './tolerant.ts';

/** Folders below a home that hold profiles. */
export interface BrowserFolders {
  readonly chromium: readonly (readonly [browser: string, folder: string])[];
  readonly firefox: readonly string[];
}

const CHROMIUM: BrowserFolders['chromium'] = [
  ['chrome', '.config/google-chrome'],
  ['chromium', '.config/chromium'],
  ['chromium', 'snap/chromium/common/chromium'],
  ['edge', '.config/microsoft-edge'],
  ['brave', '.config/BraveSoftware/Brave-Browser'],
  ['vivaldi', '.config/vivaldi'],
  ['opera', '.config/opera'],
];
const FIREFOX = ['.mozilla/firefox', 'snap/firefox/common/.mozilla/firefox'];

/** Files of a person: no link may lead the reader, which is root, elsewhere. */
const FILES = { links: 'none' } as const;
const LARGE = { ...FILES, maxBytes: 4 * 1024 * 1024 };

/** Versions in their numeric order. */
const BY_NUMBER = new Intl.Collator('en', { numeric: true });

const Manifest = z.object({
  name: z.string(),
  version: z.string(),
  default_locale: z
    .string()
    .regex(/^[A-Za-z_-]{1,20}$/)
    .optional(),
  permissions: z.array(z.unknown()).default([]),
  host_permissions: z.array(z.unknown()).default([]),
});
const Messages = z.record(z.string(), z.object({ message: z.string() }).or(z.unknown()));
const Addons = z.object({
  addons: z.array(
    z.object({
      id: z.string(),
      version: z.string(),
      type: z.string(),
      location: z.string().optional(),
      defaultLocale: z.object({ name: z.string().nullish() }).nullish(),
      userPermissions: z
        .object({ permissions: z.array(z.string()).default([]), origins: z.array(z.string()).default([]) })
        .nullish(),
    }),
  ),
});

/** Placeholder of a translated text in a manifest. */
const PLACEHOLDER = /^__MSG_(\w+)__$/;

const sortedTexts = (values: readonly unknown[]): string[] =>
  [...new Set(values.filter((value) => typeof value === 'string'))].sort();

/** Name of an extension; a placeholder is looked up in its default language, names there ignore case. */
function nameOf(context: ReadContext, folder: string, manifest: z.output<typeof Manifest>): string {
  const placeholder = PLACEHOLDER.exec(manifest.name)?.[1]?.toLowerCase();
  if (placeholder === undefined || manifest.default_locale === undefined) return manifest.name;
  const path = `${folder}/_locales/${manifest.default_locale}/messages.json`;
  const messages = readJson(context, path, Messages, FILES) ?? {};
  for (const [name, entry] of Object.entries(messages)) {
    const text = z.object({ message: z.string() }).safeParse(entry);
    if (name.toLowerCase() === placeholder && text.success) return text.data.message;
  }
  return manifest.name;
}

/** One row per extension folder: the highest of its versions on disk, since an update leaves the old one for a while. */
function chromiumRow(
  context: ReadContext,
  home: Home,
  browser: string,
  folder: string,
): KeyedRow | undefined {
  const versions = namesIn(context, folder, FILES).sort((a, b) => BY_NUMBER.compare(a, b));
  const newest = versions.at(-1);
  if (newest === undefined) return undefined;
  const path = `${folder}/${newest}`;
  const manifest = readJson(context, `${path}/manifest.json`, Manifest, FILES);
  if (manifest === undefined) return undefined;
  const [profile = '', , id = ''] = folder.split('/').slice(-3);
  return {
    key: joinKey(home.user, browser, profile, id),
    row: {
      user: home.user,
      browser,
      profile,
      id,
      name: nameOf(context, path, manifest),
      version: manifest.version,
      permissions: sortedTexts([...manifest.permissions, ...manifest.host_permissions]),
    },
  };
}

function* firefoxRows(context: ReadContext, home: Home, profile: string): Generator<KeyedRow> {
  const found = readJson(context, `${profile}/extensions.json`, Addons, LARGE);
  const name = profile.split('/').at(-1) ?? '';
  for (const addon of found?.addons ?? []) {
    // Parts of Firefox itself change with every release and are no one's choice.
    if (addon.location?.startsWith('app-') === true && addon.location !== 'app-profile') continue;
    yield {
      key: joinKey(home.user, 'firefox', name, addon.id),
      row: {
        user: home.user,
        browser: 'firefox',
        profile: name,
        id: addon.id,
        name: addon.defaultLocale?.name ?? addon.id,
        version: addon.version,
        permissions: sortedTexts([
          ...(addon.userPermissions?.permissions ?? []),
          ...(addon.userPermissions?.origins ?? []),
        ]),
      },
    };
  }
}

/** Extensions of the browsers whose profiles stand in these folders of these homes. */
export async function* extensionsIn(
  context: ReadContext,
  people: readonly Home[],
  { chromium, firefox }: BrowserFolders,
): AsyncGenerator<KeyedRow> {
  for (const home of people) {
    for (const [browser, folder] of chromium) {
      for (const extension of expand(context, `${home.path}/${folder}/*/Extensions/*`, FILES)) {
        const row = chromiumRow(context, home, browser, extension);
        if (row !== undefined) yield row;
        await context.breathe();
      }
    }
    for (const folder of firefox) {
      for (const profile of expand(context, `${home.path}/${folder}/*`, FILES)) {
        yield* firefoxRows(context, home, profile);
        await context.breathe();
      }
    }
  }
}

export const browserExtensionsLinux: Reader = {
  source: 'extension manifests in Chromium profiles, extensions.json in Firefox profiles',
  root: 'partly',
  read: (context) => extensionsIn(context, homes(context), { chromium: CHROMIUM, firefox: FIREFOX }),
};
