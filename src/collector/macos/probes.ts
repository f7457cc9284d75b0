import { forbidSecrets } from '../content-policy.ts';
import type { PlistParams, SysctlParams } from '../tables/params.ts';
import { joinKey } from '../key.ts';
import type { Reader } from '../table.ts';
import { readPlist, type PlistValue } from './plist-file.ts';

/** Longest value put into a row, in characters. */
const MAX_VALUE = 64 * 1024;

/** Parts of a container that are written out; shared data of a binary list could repeat without end. */
const MAX_PARTS = 10_000;

const isMap = (value: PlistValue | undefined): value is ReadonlyMap<string, PlistValue> =>
  value instanceof Map;
const isList = (value: PlistValue | undefined): value is readonly PlistValue[] => Array.isArray(value);

/** The value under a path of keys and list indexes parted by dots; a key that holds dots itself is found whole first. */
export function valueAt(top: PlistValue, path: string): PlistValue | undefined {
  if (path === '') return top;
  if (isMap(top) && top.has(path)) return top.get(path);
  const at = path.indexOf('.');
  const head = at === -1 ? path : path.slice(0, at);
  const next = isMap(top)
    ? top.get(head)
    : isList(top) && /^\d{1,6}$/.test(head)
      ? top[Number(head)]
      : undefined;
  if (next === undefined || at === -1) return next;
  return valueAt(next, path.slice(at + 1));
}

function typeOf(value: PlistValue): string {
  if (isMap(value)) return 'dictionary';
  if (isList(value)) return 'array';
  if (value instanceof Date) return 'date';
  if (value instanceof Uint8Array) return 'data';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'real';
  return typeof value === 'bigint' ? 'integer' : value === null ? 'null' : typeof value;
}

/** JSON of a value with sorted keys, dates in RFC 3339, data in base64; null when it has too many parts. */
function jsonOf(value: PlistValue): string | null {
  let parts = 0;
  const plain = (part: PlistValue): unknown => {
    parts += 1;
    if (parts > MAX_PARTS) return null;
    if (isMap(part)) {
      const entries = [...part].sort(([a], [b]) => (a < b ? -1 : 1));
      return Object.fromEntries(entries.map(([key, item]) => [key, plain(item)]));
    }
    if (isList(part)) return part.map(plain);
    return typeof part === 'object' && part !== null
      ? textOf(part)
      : typeof part === 'bigint'
        ? String(part)
        : part;
  };
  const json = JSON.stringify(plain(value));
  return parts > MAX_PARTS || json.length > MAX_VALUE ? null : json;
}

/** A value as text; containers as JSON. Null when it is longer than a row may hold. */
function textOf(value: PlistValue): string | null {
  if (isMap(value) || isList(value)) return jsonOf(value);
  if (value instanceof Date)
    return Number.isNaN(value.getTime()) ? null : value.toISOString().replace('.000Z', 'Z');
  const text = value instanceof Uint8Array ? Buffer.from(value).toString('base64') : String(value);
  return text.length > MAX_VALUE ? null : text;
}

/** One value of a property list in XML or binary form. */
export const plist: Reader<PlistParams> = {
  source: 'the file',
  root: 'partly',
  async *read(context, { path, key = '' }) {
    const top = await readPlist(context, path, { forbid: forbidSecrets });
    const value = top === undefined ? undefined : valueAt(top, key);
    const row =
      value === undefined
        ? { path, key, exists: false, type: null, value: null }
        : { path, key, exists: true, type: typeOf(value), value: textOf(value) };
    yield { key: joinKey(path, key), row };
  },
};

/** One kernel parameter; sysctl(8) without `-i` ends with 1 for a name that it does not know. */
export const sysctl: Reader<SysctlParams> = {
  source: 'sysctl',
  root: 'no',
  async *read(context, { name }) {
    const { exitCode, stdout } = await context.run('sysctl', ['-n', '--', name]);
    const exists = exitCode === 0;
    const value = exists ? stdout.toString('utf8').trim().replace(/\s+/g, ' ') : null;
    yield { key: name, row: { name, exists, value } };
  },
};
