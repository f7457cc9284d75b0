import type { Row, RowValue } from '../../shared/rows.ts';
import { compareDpkg } from '../correlation/versions/dpkg.ts';

/** A row before and after a commit; `undefined` where there is none. */
export interface RowChange {
  readonly table: string;
  readonly before: Row | undefined;
  readonly after: Row | undefined;
}

/** A change of an asset as people speak of it (R316). */
export interface AssetChange {
  readonly event: string;
  readonly source: string;
  /** Name of the package, path of the file, name of the setting. */
  readonly subject: string;
  readonly before: string | null;
  readonly after: string | null;
}

/** Longest text of one side of a change, in characters. */
const LONGEST = 500;

/** Tables of software, with the columns that name a package of it. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  deb: ['name', 'arch'],
  rpm: ['name', 'arch'],
  apk: ['name', 'arch'],
  snap: ['name'],
  flatpak: ['id', 'installation'],
  windows_programs: ['name'],
  windows_hotfixes: ['id'],
  msi_products: ['name'],
  macos_apps: ['name', 'path'],
  pkg_receipts: ['id'],
  homebrew: ['name'],
  python: ['name'],
  npm_global: ['name'],
  gem: ['name'],
  browser_extensions: ['name', 'user', 'browser'],
};

/** Tables of configuration, with the columns that name a setting and, where one column is the setting, that one. */
const SETTINGS: Readonly<Record<string, { readonly names: readonly string[]; readonly value?: string }>> = {
  config_line: { names: ['path'], value: 'line' },
  file: { names: ['path'] },
  sysctl: { names: ['name'], value: 'value' },
  registry: { names: ['path', 'name'], value: 'value' },
  plist: { names: ['path', 'key'], value: 'value' },
  certificate: { names: ['path'], value: 'fingerprint' },
  sudoers: { names: ['file'], value: 'rule' },
  password_policy: { names: ['source', 'setting'], value: 'value' },
};
/** Probes that give a row whether their object exists or not: where the row is new or gone, the manifest changed, not the host. */
const ALWAYS_A_ROW = new Set(['file', 'sysctl', 'plist']);

export const PACKAGE_TABLES: readonly string[] = Object.keys(PACKAGES);
export const SETTING_TABLES: readonly string[] = Object.keys(SETTINGS);

/**
 * The changes that rows of one commit amount to. A package that is listed under each version of its own (rpm, python) and a line
 * that was edited are gone and there at once in the rows: they become one change.
 */
export function assetChanges(rows: readonly RowChange[]): AssetChange[] {
  return paired(rows.map(present)).flatMap((row) => {
    const change = Object.hasOwn(PACKAGES, row.table) ? packageChange(row) : settingChange(row);
    return change === undefined ? [] : [change];
  });
}

/** dpkg goes on to list a package that was removed while its configuration is there. */
function present({ table, before, after }: RowChange): RowChange {
  const installed = (row: Row | undefined): Row | undefined =>
    table === 'deb' && row?.['status'] === 'config-files' ? undefined : row;
  return { table, before: installed(before), after: installed(after) };
}

function paired(rows: readonly RowChange[]): RowChange[] {
  const gone = new Map<string, RowChange[]>();
  for (const row of rows) {
    if (row.after !== undefined || row.before === undefined) continue;
    const name = `${row.table} ${subjectOf(row)}`;
    gone.set(name, [...(gone.get(name) ?? []), row]);
  }
  const taken = new Set<RowChange>();
  const joined = rows.map((row) => {
    if (row.before !== undefined) return row;
    const match = gone.get(`${row.table} ${subjectOf(row)}`)?.shift();
    if (match === undefined) return row;
    taken.add(match);
    return { ...row, before: match.before };
  });
  return joined.filter((row) => !taken.has(row));
}

function packageChange(row: RowChange): AssetChange | undefined {
  const { table, before, after } = row;
  const [was, is] = [versionOf(table, before), versionOf(table, after)];
  const event = packageEvent(row, was, is);
  return event === undefined
    ? undefined
    : { event, source: table, subject: subjectOf(row), before: was, after: is };
}

function packageEvent(
  { table, before, after }: RowChange,
  was: string | null,
  is: string | null,
): string | undefined {
  if (before === undefined && after === undefined) return undefined;
  const patch = table === 'windows_hotfixes';
  if (before === undefined) return patch ? 'patch applied' : 'package installed';
  if (after === undefined) return patch ? 'patch removed' : 'package removed';
  if (was === is) return undefined;
  // Only the order of versions says which of both is newer; where it is not known here, nothing is claimed.
  if (table !== 'deb') return 'package version changed';
  return compareDpkg(was ?? '', is ?? '') < 0 ? 'package upgraded' : 'package downgraded';
}

function versionOf(table: string, row: Row | undefined): string | null {
  if (row === undefined) return null;
  if (table === 'windows_hotfixes') return clip(textOf(row['installedOn'])) || null;
  const version = textOf(row['version']);
  const release = table === 'rpm' ? `-${textOf(row['release'])}` : '';
  const epoch = table === 'rpm' && Number(row['epoch'] ?? 0) > 0 ? `${textOf(row['epoch'])}:` : '';
  return clip(`${epoch}${version}${release}`);
}

function settingChange(row: RowChange): AssetChange | undefined {
  const { table, before, after } = row;
  if (before === undefined && after === undefined) return undefined;
  if ((before === undefined || after === undefined) && ALWAYS_A_ROW.has(table)) return undefined;
  const column = SETTINGS[table]?.value;
  const names = column === undefined ? differing(before, after) : [column];
  const side = (one: Row | undefined): string | null =>
    one === undefined ? null : clip(names.map((name) => valueOf(one, name, names.length > 1)).join(' '));
  const [was, is] = [side(before), side(after)];
  if (was === is) return undefined;
  return { event: 'configuration changed', source: table, subject: subjectOf(row), before: was, after: is };
}

const valueOf = (row: Row, name: string, named: boolean): string => {
  if (row['exists'] === false) return 'absent';
  return named || SETTINGS_NAMED.has(name) ? `${name}=${textOf(row[name])}` : textOf(row[name]);
};
/** Columns of files, which say nothing without their name. */
const SETTINGS_NAMED = new Set([
  'type',
  'target',
  'owner',
  'group',
  'mode',
  'size',
  'sha256',
  'match',
  'reason',
]);

function differing(before: Row = {}, after: Row = {}): string[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return names.filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]));
}

function subjectOf({ table, before, after }: RowChange): string {
  const names = PACKAGES[table] ?? SETTINGS[table]?.names ?? [];
  const row = after ?? before ?? {};
  return clip(
    names
      .map((name) => textOf(row[name]))
      .filter((text) => text !== '')
      .join(' '),
  );
}

function textOf(value: RowValue | undefined): string {
  if (value === undefined || value === null) return '';
  return Array.isArray(value) ? value.join(',') : String(value);
}

const clip = (text: string): string => (text.length <= LONGEST ? text : `${text.slice(0, LONGEST - 3)}...`);
