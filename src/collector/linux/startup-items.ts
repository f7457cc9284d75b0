import { lstatHost } from '../files.ts';
import type { FileOptions } from '../open-file.ts';
import { joinKey } from '../key.ts';
import { redact } from './redact.ts';
import type { KeyedRow, ReadContext, Reader } from '../table.ts';
import { homes } from './accounts.ts';
import { namesIn, textOf } from './tolerant.ts';
import { addSettings, enabledNames } from './unit-files.ts';

const EXECUTABLE = 0o111;

/** Where a person owns a folder of the path. */
const OWN_FILES = { links: 'none' } as const;

interface Item {
  readonly name: string;
  readonly kind: string;
  readonly location: string;
  readonly command: string | null;
  readonly user: string | null;
  readonly enabled: boolean;
}

function itemRow(item: Item): KeyedRow {
  const command = item.command === null ? null : redact(item.command);
  return { key: joinKey(item.kind, item.location, item.name, item.user), row: { ...item, command } };
}

/** Desktop files of an autostart folder (Desktop Application Autostart Specification). */
function* autostart(
  context: ReadContext,
  folder: string,
  user: string | null,
  files: FileOptions,
): Generator<KeyedRow> {
  for (const file of namesIn(context, folder, files).filter((name) => name.endsWith('.desktop'))) {
    const location = `${folder}/${file}`;
    const settings = new Map<string, string[]>();
    addSettings(settings, textOf(context, location, files) ?? '');
    const value = (key: string): string | undefined => settings.get(`Desktop Entry.${key}`)?.[0];
    const enabled = value('Hidden') !== 'true' && value('X-GNOME-Autostart-enabled') !== 'false';
    const command = value('Exec') ?? null;
    yield itemRow({ name: value('Name') ?? file, kind: 'autostart', location, command, user, enabled });
  }
}

function* rcLocal(context: ReadContext): Generator<KeyedRow> {
  for (const location of ['/etc/rc.local', '/etc/rc.d/rc.local']) {
    const stat = lstatHost(context, location);
    if (stat?.isFile() !== true) continue;
    const enabled = (stat.mode & EXECUTABLE) !== 0;
    yield itemRow({ name: 'rc.local', kind: 'rc.local', location, command: location, user: null, enabled });
  }
}

/** Units that links start with a user's session. */
function* userUnits(
  context: ReadContext,
  folder: string,
  user: string | null,
  files: FileOptions,
): Generator<KeyedRow> {
  for (const name of [...enabledNames(context, [folder], files)].sort()) {
    yield itemRow({ name, kind: 'user unit', location: folder, command: null, user, enabled: true });
  }
}

function* readStartupItems(context: ReadContext): Generator<KeyedRow> {
  yield* rcLocal(context);
  yield* autostart(context, '/etc/xdg/autostart', null, {});
  yield* userUnits(context, '/etc/systemd/user', null, {});
  for (const { user, path } of homes(context)) {
    yield* autostart(context, `${path}/.config/autostart`, user, OWN_FILES);
    yield* userUnits(context, `${path}/.config/systemd/user`, user, OWN_FILES);
  }
}

export const startupItemsLinux: Reader = {
  source: 'XDG autostart files, rc.local, enabled user units of systemd',
  root: 'partly',
  read: readStartupItems,
};
