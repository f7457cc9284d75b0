/**
 * Binary property lists. The parsers on npm follow shared references again and again, so that a file of a few hundred
 * bytes can cost hours or gigabytes, and the files read here belong to any user of the host. This one makes every
 * object once, and reads no byte over and over: time and memory stay linear in the size of the file.
 *
 * Format: CFBinaryPList.c of Apple's published CoreFoundation: header, objects, offset table, 32-byte trailer.
 */
export type PlistValue =
  | string
  | number
  | bigint
  | boolean
  | null
  | Date
  | Uint8Array
  | readonly PlistValue[]
  | ReadonlyMap<string, PlistValue>;

const MAGIC = 'bplist00';
const TRAILER = 32;

/** Nesting that is followed; real lists stay below twenty. */
const MAX_DEPTH = 128;

/** How often each byte may be read on average; a sound file needs three. */
const MAX_READS = 8;

/** 2001-01-01, from which dates count in seconds. */
const EPOCH_MS = 978_307_200_000;

/** The file is no binary property list, is damaged, or refers to itself. */
export class PlistError extends Error {
  override readonly name = 'PlistError';
}

class BinaryPlist {
  readonly #bytes: Buffer;
  readonly #offsetSize: number;
  readonly #refSize: number;
  readonly #count: number;
  readonly #table: number;
  readonly #made = new Map<number, PlistValue>();
  readonly #open = new Set<number>();
  #left: number;

  constructor(bytes: Buffer) {
    if (bytes.length < MAGIC.length + TRAILER || bytes.toString('latin1', 0, 8) !== MAGIC) {
      throw new PlistError('not a binary property list');
    }
    this.#bytes = bytes;
    this.#left = bytes.length * MAX_READS;
    const trailer = bytes.length - TRAILER;
    this.#offsetSize = this.#uint(trailer + 6, 1);
    this.#refSize = this.#uint(trailer + 7, 1);
    this.#count = this.#uint(trailer + 8, 8);
    this.#table = this.#uint(trailer + 24, 8);
    if (this.#refSize < 1 || this.#offsetSize < 1) throw new PlistError('number of an impossible size');
    if (this.#table + this.#count * this.#offsetSize > trailer)
      throw new PlistError('offset table out of bounds');
  }

  /** The value at the top. Throws `PlistError`. */
  top(): PlistValue {
    return this.#object(this.#uint(this.#bytes.length - TRAILER + 16, 8));
  }

  #uint(at: number, size: number): number {
    if (size >= 1 && size <= 6) return this.#slice(at, size).readUIntBE(0, size);
    const value = this.#bigUint(at, size);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new PlistError('number out of bounds');
    return Number(value);
  }

  #bigUint(at: number, size: number): bigint {
    if (size < 1 || size > 16) throw new PlistError('number of an impossible size');
    return BigInt(`0x${this.#slice(at, size).toString('hex')}`);
  }

  #slice(at: number, length: number): Buffer {
    if (at < 0 || at + length > this.#bytes.length) throw new PlistError('object out of bounds');
    this.#left -= length;
    if (this.#left < 0) throw new PlistError('objects overlap');
    return this.#bytes.subarray(at, at + length);
  }

  #object(index: number): PlistValue {
    const known = this.#made.get(index);
    if (known !== undefined) return known;
    if (index >= this.#count) throw new PlistError('reference out of bounds');
    if (this.#open.has(index)) throw new PlistError('the list holds itself');
    if (this.#open.size >= MAX_DEPTH) throw new PlistError('nested too deep');
    this.#open.add(index);
    const value = this.#decode(this.#uint(this.#table + index * this.#offsetSize, this.#offsetSize));
    this.#open.delete(index);
    this.#made.set(index, value);
    return value;
  }

  #decode(at: number): PlistValue {
    const marker = this.#uint(at, 1);
    const kind = marker >> 4;
    const info = marker & 0x0f;
    if (kind === 0x0) return info === 8 ? false : info === 9 ? true : null;
    if (kind === 0x1) return this.#integer(at + 1, 2 ** info);
    if (kind === 0x2) return this.#real(at + 1, 2 ** info);
    if (kind === 0x3) return this.#date(at + 1);
    if (kind === 0x8) return this.#uint(at + 1, info + 1);
    const [length, start] = info === 0x0f ? this.#longLength(at + 1) : [info, at + 1];
    if (kind === 0x4) return Uint8Array.from(this.#slice(start, length));
    if (kind === 0x5) return this.#slice(start, length).toString('latin1');
    if (kind === 0x6)
      return Buffer.from(this.#slice(start, length * 2))
        .swap16()
        .toString('utf16le');
    if (kind === 0xa || kind === 0xc) return this.#references(start, length).map((ref) => this.#object(ref));
    if (kind === 0xd) return this.#dictionary(start, length);
    throw new PlistError('object of an unknown kind');
  }

  #longLength(at: number): [number, number] {
    const size = 2 ** (this.#uint(at, 1) & 0x0f);
    return [this.#uint(at + 1, size), at + 1 + size];
  }

  #integer(at: number, size: number): number | bigint {
    // Integers of less than eight bytes have no sign.
    const bits = size * 8;
    const raw = this.#bigUint(at, size);
    const value = size >= 8 ? BigInt.asIntN(bits, raw) : raw;
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value;
  }

  #real(at: number, size: number): number {
    if (size === 4) return this.#slice(at, 4).readFloatBE(0);
    if (size === 8) return this.#slice(at, 8).readDoubleBE(0);
    throw new PlistError('real number of an impossible size');
  }

  #date(at: number): Date {
    return new Date(EPOCH_MS + this.#slice(at, 8).readDoubleBE(0) * 1000);
  }

  #references(at: number, count: number): number[] {
    this.#slice(at, count * this.#refSize);
    return Array.from({ length: count }, (_, index) => this.#uint(at + index * this.#refSize, this.#refSize));
  }

  #dictionary(at: number, count: number): ReadonlyMap<string, PlistValue> {
    const values = this.#references(at + count * this.#refSize, count);
    const entries = this.#references(at, count).map((ref, index): [string, PlistValue] => {
      const key = this.#object(ref);
      if (typeof key !== 'string') throw new PlistError('key that is no string');
      return [key, this.#object(values[index] ?? -1)];
    });
    return new Map(entries);
  }
}

/**
 * Decodes a binary property list. Dictionaries become maps, since their keys come from strangers. Data shared inside the
 * file is shared in the result: walk it with a bound.
 * Throws `PlistError` when it is none, is damaged, nested deeper than 128, or refers to itself.
 */
export function parseBinaryPlist(bytes: Uint8Array): PlistValue {
  return new BinaryPlist(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)).top();
}
