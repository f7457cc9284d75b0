import type * as Koffi from 'koffi';
import { callInThread, loadKoffi, type NativeFunction } from '../../host/koffi.ts';
import { gssTypes, type BufferDesc, type OidDesc } from './gssapi-types.ts';

/** A pointer of the library; `null` is none. */
export type Handle = bigint | null;

/** How a call went: the major status of RFC 2744, and the minor one of the mechanism. */
export interface GssStatus {
  readonly major: number;
  readonly minor: number;
}

/** Which stores credentials come from, instead of the default ones (krb5's `gss_acquire_cred_from`). */
export interface CredentialStore {
  readonly ccache: string;
  readonly client_keytab?: string;
}

export type Mechanism = 'krb5' | 'SPNEGO';

/**
 * What is used of GSSAPI. The calls that may ask a KDC run in a thread; who calls must not release what a call has that
 * is still under way.
 */
export interface GssLibrary {
  readonly importName: (hostBasedService: string) => GssStatus & { readonly name: Handle };
  readonly releaseName: (name: Handle) => void;
  /** Credentials to begin contexts with. Without a store the default ones. */
  readonly acquire: (
    mechanism: Mechanism,
    store: CredentialStore | undefined,
  ) => Promise<GssStatus & { readonly credential: Handle }>;
  /** Has the library look the credential's ticket up, or get it from the KDC. */
  readonly resolve: (credential: Handle) => Promise<GssStatus>;
  readonly releaseCredential: (credential: Handle) => void;
  readonly initContext: (call: {
    readonly context: Handle;
    readonly credential: Handle;
    readonly target: Handle;
    readonly input: Buffer | undefined;
  }) => Promise<GssStatus & { readonly context: Handle; readonly token: Buffer }>;
  readonly deleteContext: (context: Handle) => void;
  /** The library's text for a status; of the minor one where it has one. */
  readonly describe: (status: GssStatus) => Promise<string>;
}

const OIDS: Readonly<Record<Mechanism | 'hostBasedService', readonly number[]>> = {
  // 1.2.840.113554.1.2.2 (RFC 4121), 1.3.6.1.5.5.2 (RFC 4178), 1.2.840.113554.1.2.1.4 (RFC 2743, 4.1)
  krb5: [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 0x01, 0x02, 0x02],
  SPNEGO: [0x2b, 0x06, 0x01, 0x05, 0x05, 0x02],
  hostBasedService: [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 0x01, 0x02, 0x01, 0x04],
};
const oid = (name: keyof typeof OIDS): OidDesc => ({
  length: OIDS[name].length,
  elements: Buffer.from(OIDS[name]),
});

const INITIATE = 1;
const GSS_CODE = 1;
const MECH_CODE = 2;
/** Longest text and token that are believed. */
const MAX_BYTES = 1024 * 1024;

/** A type of koffi, or how an argument is passed. */
type Argument = string | Koffi.TypeObject | ReturnType<typeof Koffi.out>;

/** Where the library is, the first that loads; on macOS Heimdal's framework. */
export const GSS_LIBRARIES: Partial<Record<NodeJS.Platform, readonly string[]>> = {
  linux: ['libgssapi_krb5.so.2'],
  darwin: ['/System/Library/Frameworks/GSS.framework/GSS'],
};

/** Loads a GSS library. Throws when it is not there or has not all of the functions. */
export function loadGssLibrary(file: string, platform = process.platform, arch = process.arch): GssLibrary {
  const koffi = loadKoffi();
  const library = koffi.load(file);
  const types = gssTypes(koffi, platform, arch);
  const bind = (name: string, args: readonly Argument[]): NativeFunction =>
    library.func(name, 'uint32', [koffi.out('uint32 *'), ...args]) as NativeFunction;
  const [handle, out, inout] = ['void *', koffi.out('void **'), koffi.inout('void **')];
  const { pointer } = koffi;

  const importName = bind('gss_import_name', [pointer(types.buffer), pointer(types.oid), out]);
  const releaseName = bind('gss_release_name', [inout]);
  const acquire = bind('gss_acquire_cred', [
    handle,
    'uint32',
    pointer(types.oidSet),
    'int',
    out,
    handle,
    handle,
  ]);
  const acquireFrom = optional(() =>
    bind('gss_acquire_cred_from', [
      ...[handle, 'uint32', pointer(types.oidSet), 'int'],
      ...[pointer(types.credStore), out, handle, handle],
    ]),
  );
  const inquire = bind('gss_inquire_cred', [handle, out, koffi.out('uint32 *'), handle, handle]);
  const releaseCredential = bind('gss_release_cred', [inout]);
  const initContext = bind('gss_init_sec_context', [
    ...[handle, inout, handle, pointer(types.oid), 'uint32', 'uint32', handle],
    ...[pointer(types.buffer), handle, koffi.out(pointer(types.buffer)), handle, handle],
  ]);
  const deleteContext = bind('gss_delete_sec_context', [inout, handle]);
  const displayStatus = bind('gss_display_status', [
    ...['uint32', 'int', handle, koffi.inout('uint32 *'), koffi.out(pointer(types.buffer))],
  ]);
  const releaseBuffer = bind('gss_release_buffer', [koffi.inout(pointer(types.buffer))]);

  /** Copies what the library allocated, and frees it there. */
  const take = (buffer: BufferDesc): Buffer => {
    const { length, value } = buffer;
    if (value === null) return Buffer.alloc(0);
    const bytes =
      length > MAX_BYTES ? Buffer.alloc(0) : Buffer.from(koffi.decode(value, 'uint8', length) as Uint8Array);
    releaseBuffer([0], buffer);
    return bytes;
  };
  const text = async (code: number, kind: number): Promise<string> => {
    const buffer: BufferDesc = { length: 0, value: null };
    await callInThread(displayStatus, [[0], code, kind, null, [0], buffer]);
    return take(buffer).toString('utf8').trim();
  };

  return {
    importName: (service) => {
      const bytes = Buffer.from(service);
      const [minor, name] = [[0], [null] as [Handle]];
      const major = importName(minor, { length: bytes.length, value: bytes }, oid('hostBasedService'), name);
      return { ...status(major, minor), name: name[0] };
    },
    releaseName: (name) => void releaseName([0], [name]),
    acquire: async (mechanism, store) => {
      const [minor, credential] = [[0], [null] as [Handle]];
      const mechanisms = { count: 1, elements: oid(mechanism) };
      if (store !== undefined && acquireFrom === undefined)
        return { major: 0xd0000, minor: 0, credential: null };
      const major = await (store === undefined || acquireFrom === undefined
        ? callInThread(acquire, [minor, null, 0, mechanisms, INITIATE, credential, null, null])
        : callInThread(acquireFrom, [
            ...[minor, null, 0, mechanisms, INITIATE, storeDesc(store), credential, null, null],
          ]));
      return { ...status(major, minor), credential: credential[0] };
    },
    resolve: async (credential) => {
      const [minor, name] = [[0], [null] as [Handle]];
      const major = await callInThread(inquire, [minor, credential, name, [0], null, null]);
      if (name[0] !== null) releaseName([0], name);
      return status(major, minor);
    },
    releaseCredential: (credential) => void releaseCredential([0], [credential]),
    initContext: async ({ context, credential, target, input }) => {
      const [minor, inOut] = [[0], [context] as [Handle]];
      const token: BufferDesc = { length: 0, value: null };
      const given = input === undefined ? null : { length: input.length, value: input };
      const major = await callInThread(initContext, [
        ...[minor, credential, inOut, target, oid('SPNEGO'), 0, 0, null, given, null, token, null, null],
      ]);
      return { ...status(major, minor), context: inOut[0], token: take(token) };
    },
    deleteContext: (context) => void deleteContext([0], [context], null),
    describe: async ({ major, minor }) =>
      (minor === 0 ? '' : await text(minor, MECH_CODE)) || (await text(major, GSS_CODE)),
  };
}

const status = (major: number, minor: readonly number[]): GssStatus => ({ major, minor: minor[0] ?? 0 });

const storeDesc = (store: CredentialStore): object => {
  const elements = Object.entries(store).map(([key, value]) => ({ key, value: String(value) }));
  return { count: elements.length, elements };
};

function optional<T>(act: () => T): T | undefined {
  try {
    return act();
  } catch {
    return undefined;
  }
}
