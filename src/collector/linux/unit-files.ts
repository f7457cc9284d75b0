import { linkTarget, lstatHost } from '../files.ts';
import type { FileOptions, Place } from '../open-file.ts';
import { namesIn, textOf } from './tolerant.ts';

/** Folders of system units that last over a boot, highest priority first (systemd.unit(5)). */
export const SYSTEM_UNIT_FOLDERS = [
  '/etc/systemd/system',
  '/usr/local/lib/systemd/system',
  '/lib/systemd/system',
  '/usr/lib/systemd/system',
];

/** Folders in which links enable units. */
const ENABLING = ['/etc/systemd/system'];

export type UnitState = 'enabled' | 'disabled' | 'masked' | 'static' | 'indirect' | 'alias';

/** A unit file with its drop-ins applied. */
export interface Unit {
  readonly name: string;
  readonly path: string;
  readonly state: UnitState;
  /** Values of `Section.Key` in file order; an empty assignment has cleared what stood before it. */
  readonly settings: ReadonlyMap<string, readonly string[]>;
}

/** Reads `[Section]` and `Key=value` lines into `settings` (systemd.syntax(7)); lines that end in `\` go on. */
export function addSettings(settings: Map<string, string[]>, text: string): void {
  let section = '';
  for (const raw of text.replace(/\\\r?\n/g, ' ').split('\n')) {
    const line = raw.trim();
    const header = /^\[(.+)\]$/.exec(line)?.[1];
    if (header !== undefined) section = header;
    const equals = line.indexOf('=');
    if (header !== undefined || equals <= 0 || /^[#;]/.test(line)) continue;
    const key = `${section}.${line.slice(0, equals).trim()}`;
    const value = line.slice(equals + 1).trim();
    const values = settings.get(key);
    if (value === '' || values === undefined) settings.set(key, value === '' ? [] : [value]);
    else values.push(value);
  }
}

/** Names that are linked into a `.wants` or `.requires` folder, and targets of alias links. */
export function enabledNames(
  place: Place,
  folders: readonly string[],
  options: FileOptions = {},
): Set<string> {
  const names = new Set<string>();
  for (const folder of folders) {
    for (const entry of namesIn(place, folder, options)) {
      const path = `${folder}/${entry}`;
      if (/\.(?:wants|requires)$/.test(entry)) {
        for (const name of namesIn(place, path, options))
          if (linkTarget(place, `${path}/${name}`)) names.add(name);
      } else {
        const target = linkTarget(place, path)?.split('/').at(-1);
        if (target !== undefined && target !== entry && target !== 'null') names.add(target);
      }
    }
  }
  return names;
}

/** Template of an instance: getty@tty1.service → getty@.service. */
const templateOf = (name: string): string => name.replace(/@[^.]+\./, '@.');

const hasInstall = (settings: ReadonlyMap<string, readonly string[]>, ...keys: string[]): boolean =>
  keys.some((key) => (settings.get(`Install.${key}`)?.length ?? 0) > 0);

function stateOf(name: string, enabled: ReadonlySet<string>, settings: Unit['settings']): UnitState {
  if (enabled.has(name)) return 'enabled';
  if (hasInstall(settings, 'WantedBy', 'RequiredBy', 'UpheldBy', 'Alias')) return 'disabled';
  return hasInstall(settings, 'Also') ? 'indirect' : 'static';
}

function isMasked(place: Place, path: string): boolean {
  if (linkTarget(place, path) === '/dev/null') return true;
  const stat = lstatHost(place, path);
  return stat?.isFile() === true && stat.size === 0;
}

function dropIns(place: Place, folders: readonly string[], name: string): string[] {
  return [...folders].reverse().flatMap((folder) =>
    namesIn(place, `${folder}/${name}.d`)
      .filter((file) => file.endsWith('.conf'))
      .map((file) => `${folder}/${name}.d/${file}`),
  );
}

function readUnit(
  place: Place,
  folders: readonly string[],
  found: { name: string; path: string },
  enabled: ReadonlySet<string>,
): Unit | undefined {
  const { name, path } = found;
  if (isMasked(place, path)) return { name, path, state: 'masked', settings: new Map() };
  const target = linkTarget(place, path)?.split('/').at(-1);
  if (target !== undefined && target !== name) return { name, path, state: 'alias', settings: new Map() };
  const text = textOf(place, path);
  if (text === undefined) return undefined;
  const settings = new Map<string, string[]>();
  addSettings(settings, text);
  for (const file of dropIns(place, folders, name)) addSettings(settings, textOf(place, file) ?? '');
  return { name, path, state: stateOf(name, enabled, settings), settings };
}

/**
 * Units of one kind with their state as `systemctl is-enabled` derives it from files alone, so that it is the same
 * whether systemd runs or not. `folders`: highest priority first; a name is taken from the first that has it.
 */
export function* units(
  place: Place,
  suffix: string,
  folders: readonly string[] = SYSTEM_UNIT_FOLDERS,
  enabling: readonly string[] = ENABLING,
): Generator<Unit> {
  const linked = enabledNames(place, enabling);
  const enabled = new Set([...linked, ...[...linked].map(templateOf)]);
  const seen = new Set<string>();
  for (const folder of folders) {
    for (const name of namesIn(place, folder).filter((entry) => entry.endsWith(suffix))) {
      if (seen.has(name)) continue;
      seen.add(name);
      const unit = readUnit(place, folders, { name, path: `${folder}/${name}` }, enabled);
      if (unit !== undefined) yield unit;
    }
  }
}
