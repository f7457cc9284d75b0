import type { PlistValue as XmlValue } from 'plist';
import { readBytes } from '../files.ts';
import type { FileOptions, Place } from '../open-file.ts';
import { Unreadable } from '../table.ts';
import { parseBinaryPlist, type PlistValue } from './binary-plist.ts';

export type { PlistValue } from './binary-plist.ts';
export type PlistDict = ReadonlyMap<string, PlistValue>;

/** What the XML parser gives, with maps in place of objects. */
function withMaps(value: XmlValue): PlistValue {
  if (Array.isArray(value)) return value.map(withMaps);
  if (typeof value !== 'object' || value === null || value instanceof Date || value instanceof Uint8Array)
    return value;
  return new Map(Object.entries(value).map(([key, item]) => [key, withMaps(item)]));
}

/** Markup that could make an XML parser grow text, and that no property list has. */
const ENTITY = /<!ENTITY/i;

/**
 * The XML parser below `plist` prints every fault of a file to the console, and `plist` hands none of its options on.
 * The call is synchronous, so nobody else's words are lost meanwhile.
 */
function quietly<T>(parse: () => T): T {
  const { error, warn } = console;
  // eslint-disable-next-line no-console -- the parser has no other way to be told
  console.error = console.warn = () => undefined;
  try {
    return parse();
  } finally {
    Object.assign(console, { error, warn });
  }
}

/**
 * Parses a property list in its XML form (`plist(5)`, PropertyList-1.0.dtd) or its binary form.
 * `what` names it in the reason. Throws `Unreadable` when it is neither.
 */
export async function parsePlist(bytes: Uint8Array, what: string): Promise<PlistValue> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    if (buffer.toString('latin1', 0, 6) === 'bplist') return parseBinaryPlist(buffer);
    const xml = buffer
      .toString('utf8')
      .replace(/^\uFEFF/, '')
      .trimStart();
    if (!xml.startsWith('<') || ENTITY.test(xml)) throw new Unreadable('unknown form');
    // Loaded on use: it costs 11 MB, and only a Mac needs it.
    const { parse } = await import('plist');
    return withMaps(quietly(() => parse(xml)));
  } catch {
    throw new Unreadable(`${what}: not a property list`);
  }
}

/** The property list at a path of the host, `undefined` where there is none. Throws `Unreadable`. */
export async function readPlist(
  place: Place,
  path: string,
  options: FileOptions = {},
): Promise<PlistValue | undefined> {
  const bytes = readBytes(place, path, options);
  return bytes === undefined ? undefined : parsePlist(bytes, path);
}

const isDict = (value: PlistValue | undefined): value is PlistDict => value instanceof Map;

/** The value as a dictionary; an empty one for anything else. */
export function dict(value: PlistValue | undefined): PlistDict {
  return isDict(value) ? value : new Map();
}

/** The value as a list; an empty one for anything else. */
export function list(value: PlistValue | undefined): readonly PlistValue[] {
  return Array.isArray(value) ? (value as readonly PlistValue[]) : [];
}

/** The string under a key, trimmed; numbers as text; null for all else and for blanks. */
export function textAt(value: PlistValue | undefined, key: string): string | null {
  const item = dict(value).get(key);
  const text = typeof item === 'number' || typeof item === 'bigint' ? String(item) : item;
  return typeof text === 'string' && text.trim() !== '' ? text.trim() : null;
}

/** The integer under a key, null for all else and for what a row can't hold. */
export function intAt(value: PlistValue | undefined, key: string): number | null {
  const item = dict(value).get(key);
  return typeof item === 'number' && Number.isSafeInteger(item) ? item : null;
}

/** The boolean under a key, null for all else. */
export function flagAt(value: PlistValue | undefined, key: string): boolean | null {
  const item = dict(value).get(key);
  return typeof item === 'boolean' ? item : null;
}

/** The strings of the list under a key. */
export function textsAt(value: PlistValue | undefined, key: string): string[] {
  return list(dict(value).get(key)).filter((item): item is string => typeof item === 'string');
}
