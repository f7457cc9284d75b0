import { shortKey } from '../../edr/registry-rules.ts';
import { FILE_NOT_FOUND, KEY_DELETED, NO_MORE_ITEMS, type OpenRegistryKey } from './registry-keys.ts';

/*
 * One key has several names: HKCU is the hive of a user, CurrentControlSet one of the numbered sets, Software\Classes of a user a
 * hive of its own. The baseline has a key by the name that it really has, as the Security log does.
 */

/** What decides the real names of keys now. */
export interface RegistryPlaces {
  /** Names below HKU: the hives that are loaded, and `SID_Classes`. Other names of one that is listed are left out. */
  readonly hives: readonly string[];
  /** The numbered set of control that is in use, `ControlSet001`; `undefined` where that can't be told. */
  readonly controlSet: string | undefined;
}

/** Hives that are looked at, at most. */
const MOST_HIVES = 1_000;

/** winnt.h. */
const REG_LINK = 6;
const LINK_VALUE = 'SymbolicLinkValue';

/** A name of a key or value as names are compared: Windows takes no notice of case. What is outside ASCII is kept apart rather than merged. */
export const folded = (name: string): string => name.replace(/[A-Z]+/g, (part) => part.toLowerCase());

/** Whether a key is this one or below it. */
export function isKeyWithin(above: string, key: string): boolean {
  const [outer, inner] = [folded(above), folded(key)];
  return inner === outer || inner.startsWith(`${outer}\\`);
}

/** Whether a key is one of these, which are folded, or below one. */
export function isBelow(keys: ReadonlySet<string>, key: string): boolean {
  if (keys.size === 0) return false;
  const names = folded(key).split('\\');
  return names.some((_name, at) => keys.has(names.slice(0, at + 1).join('\\')));
}

/** Whether an error number says that the key or value is not there. */
export const isNotThere = (error: number): boolean => error === FILE_NOT_FOUND || error === KEY_DELETED;

/** Looks which hives are loaded, and which set of control is in use ("HKLM\SYSTEM\Select", Windows Resource Kit). */
export function registryPlaces(open: OpenRegistryKey): RegistryPlaces {
  return { hives: loadedHives(open), controlSet: controlSetInUse(open) };
}

function loadedHives(open: OpenRegistryKey): string[] {
  const users = open('HKU', false);
  if ('error' in users) return [];
  const hives: string[] = [];
  for (let index = 0; index < MOST_HIVES; index += 1) {
    const found = users.subkey(index);
    if ('error' in found && found.error === NO_MORE_ITEMS) break;
    if ('name' in found && !isLink(open, `HKU\\${found.name}`)) hives.push(found.name);
  }
  users.close();
  return hives;
}

/** Whether a key is a link to another one. */
export function isLink(open: OpenRegistryKey, name: string): boolean {
  const key = open(name, false);
  if ('error' in key) return false;
  const link = key.valueOf(LINK_VALUE);
  key.close();
  return 'kind' in link && link.kind === REG_LINK;
}

function controlSetInUse(open: OpenRegistryKey): string | undefined {
  const select = open('HKLM\\SYSTEM\\Select', false);
  if ('error' in select) return undefined;
  const current = select.dataOf('Current', 4);
  select.close();
  if ('error' in current || current.data.length !== 4) return undefined;
  const name = `ControlSet${String(current.data.readUInt32LE(0)).padStart(3, '0')}`;
  const set = open(`HKLM\\SYSTEM\\${name}`, false);
  if ('error' in set) return undefined;
  set.close();
  return name;
}

/**
 * The keys that a rule names: below HKCU those of every user whose hive is loaded. What stands in another hive by its real name is
 * one more.
 */
export function realKeys(named: string, places: RegistryPlaces): string[] {
  const key = shortKey(named);
  const keys = isKeyWithin('HKCU', key)
    ? places.hives.filter((hive) => !isClasses(hive)).map((hive) => `HKU\\${hive}${key.slice('HKCU'.length)}`)
    : [key];
  const classes = places.hives
    .filter(isClasses)
    .filter((hive) => keys.some((above) => isKeyWithin(above, classesOf(hive.slice(0, -CLASSES.length)))));
  return [...keys.map((each) => realKey(each, places)), ...classes.map((hive) => `HKU\\${hive}`)];
}

/** A key by the name that it really has. */
export function realKey(key: string, { hives, controlSet }: RegistryPlaces): string {
  if (controlSet !== undefined && isKeyWithin(CURRENT, key)) {
    return `HKLM\\SYSTEM\\${controlSet}${key.slice(CURRENT.length)}`;
  }
  for (const hive of hives.filter(isClasses)) {
    const named = classesOf(hive.slice(0, -CLASSES.length));
    if (isKeyWithin(named, key)) return `HKU\\${hive}${key.slice(named.length)}`;
  }
  return key;
}

const CURRENT = 'HKLM\\SYSTEM\\CurrentControlSet';
const CLASSES = '_Classes';
const isClasses = (hive: string): boolean => folded(hive).endsWith(folded(CLASSES));
const classesOf = (user: string): string => `HKU\\${user}\\Software\\Classes`;

/** The hive, or the set of control, that a key is in: they come and go as a whole. */
export function placeOfKey(key: string): string {
  const [place] = /^hku\\[^\\]+|^hklm\\system\\controlset\d{3}(?=\\|$)/is.exec(key) ?? [];
  return folded(place ?? (isKeyWithin('HKU', key) ? 'HKU' : 'HKLM'));
}
