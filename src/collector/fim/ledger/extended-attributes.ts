import { createHash } from 'node:crypto';
import { loadKoffi } from '../../native/koffi.ts';

/** Largest list of names, and largest value: what Linux allows (xattr(7), XATTR_LIST_MAX, XATTR_SIZE_MAX). */
const BYTES = 64 * 1024;

/** Attributes that are access control lists (acl(5)); they are told apart because they grant rights. */
const ACLS = new Set([
  'system.posix_acl_access',
  'system.posix_acl_default',
  'system.nfs4_acl',
  'system.richacl',
]);

/** SHA-256 over access control lists and over all other attributes; `null` where there are none. */
export interface AttributeDigests {
  readonly acl: Uint8Array | null;
  readonly xattrs: Uint8Array | null;
}
export const NO_ATTRIBUTES: AttributeDigests = { acl: null, xattrs: null };

/** An open file, or a path whose last component is not followed, as bytes with a NUL at the end. */
export type AttributeSource = number | Buffer;

type Native = (...args: unknown[]) => number;

interface Calls {
  /** Length of the list of names, without reading it. */
  readonly length: (of: AttributeSource) => number;
  readonly list: (of: AttributeSource, into: Buffer) => number;
  readonly get: (of: AttributeSource, name: Buffer, into: Buffer) => number;
}

function bind(): Calls {
  const library = loadKoffi().load(null);
  const func = (name: string, args: string[]): Native => library.func(name, 'intptr_t', args) as Native;
  const flist = func('flistxattr', ['int', 'void *', 'size_t']);
  const llist = func('llistxattr', ['void *', 'void *', 'size_t']);
  const fget = func('fgetxattr', ['int', 'void *', 'void *', 'size_t']);
  const lget = func('lgetxattr', ['void *', 'void *', 'void *', 'size_t']);
  return {
    length: (of) => (typeof of === 'number' ? flist(of, null, 0) : llist(of, null, 0)),
    list: (of, into) => (typeof of === 'number' ? flist(of, into, BYTES) : llist(of, into, BYTES)),
    get: (of, name, into) =>
      typeof of === 'number' ? fget(of, name, into, BYTES) : lget(of, name, into, BYTES),
  };
}

/**
 * Reads what a file carries beside its content (xattr(7)): Linux only, where one call that finds nothing takes a few µs.
 * Elsewhere, and where koffi has no binary, there is nothing.
 */
export class ExtendedAttributes {
  readonly #calls: Calls | undefined;
  readonly #names = Buffer.alloc(BYTES);
  readonly #value = Buffer.alloc(BYTES);

  constructor(platform: NodeJS.Platform) {
    this.#calls = platform === 'linux' ? bindIfThere() : undefined;
  }

  /** Whether attributes can be read here. */
  get isAvailable(): boolean {
    return this.#calls !== undefined;
  }

  /** Digests of one file. What can't be read counts as not there. */
  of(source: AttributeSource): AttributeDigests {
    if (this.#calls === undefined || this.#calls.length(source) <= 0) return NO_ATTRIBUTES;
    const length = this.#calls.list(source, this.#names);
    if (length <= 0) return NO_ATTRIBUTES;
    const names = this.#names.subarray(0, length).toString('latin1').split('\0').filter(Boolean).sort();
    return {
      acl: this.#digest(
        source,
        names.filter((name) => ACLS.has(name)),
      ),
      xattrs: this.#digest(
        source,
        names.filter((name) => !ACLS.has(name)),
      ),
    };
  }

  /** Names and values with their lengths, so that no two sets give the same bytes. */
  #digest(source: AttributeSource, names: readonly string[]): Uint8Array | null {
    if (names.length === 0) return null;
    const hash = createHash('sha256');
    for (const name of names) {
      const bytes = Buffer.from(`${name}\0`, 'latin1');
      const length = Math.max(0, this.#calls?.get(source, bytes, this.#value) ?? 0);
      hash.update(`${bytes.length}:${length}:`).update(bytes).update(this.#value.subarray(0, length));
    }
    return hash.digest();
  }
}

function bindIfThere(): Calls | undefined {
  try {
    return bind();
  } catch {
    return undefined;
  }
}
