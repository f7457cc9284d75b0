import { createHash, type Hash } from 'node:crypto';
import canonicalize from 'canonicalize';
import { KEY_SEPARATOR, type Item, type Row } from '../shared/rows.ts';

/** A row as canonical JSON (RFC 8785). Throws on NaN, infinities and lone surrogates: the collector encodes them before. */
export function canonicalRow(row: Row): string {
  const text = canonicalize(row);
  if (text === undefined) throw new TypeError('a row must be an object');
  return text;
}

/** Key of an item: table name, U+001F, row key. Both must be free of control characters (see `encodeText`). */
export function itemKey(table: string, rowKey: string): string {
  return `${table}${KEY_SEPARATOR}${rowKey}`;
}

/** Table name of an item key. */
export function tableOfKey(key: string): string {
  const at = key.indexOf(KEY_SEPARATOR);
  return at < 0 ? key : key.slice(0, at);
}

/** A short name of a key, 120 bits of its SHA-256 in base64: to find keys that come twice among very many. */
export function shortKey(key: string): string {
  return createHash('sha256').update(key, 'utf8').digest('base64').slice(0, 20);
}

/** SHA-256(key ‖ 0x00 ‖ canonical row) in hexadecimal. */
export function itemHash(key: string, canonical: string): string {
  return createHash('sha256').update(key, 'utf8').update('\0').update(canonical, 'utf8').digest('hex');
}

/** The item for a row: encoded key, canonical row and their hash. */
export function makeItem(table: string, rowKey: string, row: Row): Item {
  const key = itemKey(table, rowKey);
  const canonical = canonicalRow(row);
  return { key, row: canonical, hash: itemHash(key, canonical) };
}

/** Orders keys bytewise over UTF-8: negative, zero or positive. JavaScript's own order differs above U+FFFF. */
export function compareKeys(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a, 'utf8'), Buffer.from(b, 'utf8'));
}

const HASH = /^[0-9a-f]{64}$/;

/** The root over item hashes that arrive in key order; of none it is SHA-256 of the empty string. */
export class RootHasher {
  readonly #hash: Hash = createHash('sha256');

  /** Adds the hash of the next item. Throws when it is not one: `Hash` itself would silently leave it out. */
  add(itemHashHex: string): void {
    if (!HASH.test(itemHashHex)) throw new TypeError('not a SHA-256 in hexadecimal');
    this.#hash.update(itemHashHex, 'hex');
  }

  /** The root in hexadecimal. The hasher can't be used afterwards. */
  digest(): string {
    return this.#hash.digest('hex');
  }
}

/** Root of the empty map. */
export const EMPTY_ROOT = createHash('sha256').digest('hex');

/** Root over items or hashes given in key order. */
export function rootOf(hashesInKeyOrder: Iterable<string>): string {
  const hasher = new RootHasher();
  for (const hash of hashesInKeyOrder) hasher.add(hash);
  return hasher.digest();
}
