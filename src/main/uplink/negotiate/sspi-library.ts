import type * as Koffi from 'koffi';
import { callInThread, loadKoffi, type NativeFunction } from '../../host/koffi.ts';

/** CredHandle and CtxtHandle: two numbers of the size of a pointer. */
export interface SecHandle {
  lower: number | bigint;
  upper: number | bigint;
}

/** What is used of SSPI. The calls that may ask a domain controller run in a thread. */
export interface SspiLibrary {
  /** Default credentials for the package Negotiate: the user's, or the computer account's for SYSTEM. */
  readonly acquire: () => Promise<{ readonly status: number; readonly credential: SecHandle }>;
  /** `status` is a SECURITY_STATUS as the signed number that it is; below 0 it is a failure. */
  readonly initContext: (call: {
    readonly credential: SecHandle;
    readonly context: SecHandle | undefined;
    readonly target: string;
    readonly input: Buffer | undefined;
  }) => Promise<{ readonly status: number; readonly context: SecHandle; readonly token: Buffer }>;
  readonly deleteContext: (context: SecHandle) => void;
  readonly freeCredential: (credential: SecHandle) => void;
}

// sspi.h
const SECPKG_CRED_OUTBOUND = 2;
const SECURITY_NATIVE_DREP = 0x10;
const SECBUFFER_VERSION = 0;
const SECBUFFER_TOKEN = 2;
/** Above the largest token that Negotiate makes (MaxTokenSize is at most 65,535). */
const MAX_TOKEN_BYTES = 65_536;

/** A type of koffi, or how an argument is passed. */
type Argument = string | Koffi.TypeObject | ReturnType<typeof Koffi.out>;

/** Loads the library of Windows. Throws where it is not. */
export function loadSspiLibrary(library = 'secur32.dll'): SspiLibrary {
  const koffi = loadKoffi();
  const secur32 = koffi.load(library);
  const handle = koffi.struct({ lower: 'uintptr_t', upper: 'uintptr_t' });
  const buffer = koffi.struct({ cbBuffer: 'uint32', BufferType: 'uint32', pvBuffer: 'void *' });
  const desc = koffi.struct({ ulVersion: 'uint32', cBuffers: 'uint32', pBuffers: 'void *' });
  const time = 'int64 *';
  const { pointer, out } = koffi;
  const bind = (name: string, args: Argument[]): NativeFunction =>
    secur32.func('__stdcall', name, 'int32', args) as NativeFunction;

  const acquire = bind('AcquireCredentialsHandleW', [
    ...['str16', 'str16', 'uint32', 'void *', 'void *', 'void *', 'void *', out(pointer(handle)), out(time)],
  ]);
  const initContext = bind('InitializeSecurityContextW', [
    ...[pointer(handle), pointer(handle), 'str16', 'uint32', 'uint32', 'uint32', pointer(desc), 'uint32'],
    ...[out(pointer(handle)), pointer(desc), out('uint32 *'), out(time)],
  ]);
  const deleteContext = bind('DeleteSecurityContext', [pointer(handle)]);
  const freeCredential = bind('FreeCredentialsHandle', [pointer(handle)]);

  /** One SecBuffer in memory that stays where it is while the call runs in its thread. */
  const tokenBuffer = (bytes: Buffer): unknown => {
    const memory: unknown = koffi.alloc(buffer, 1);
    koffi.encode(memory, buffer, {
      cbBuffer: bytes.length,
      BufferType: SECBUFFER_TOKEN,
      pvBuffer: koffi.address(bytes),
    });
    return memory;
  };
  const descOf = (memory: unknown): object => ({
    ulVersion: SECBUFFER_VERSION,
    cBuffers: 1,
    pBuffers: memory,
  });

  return {
    acquire: async () => {
      const credential: SecHandle = { lower: 0, upper: 0 };
      const args = [null, 'Negotiate', SECPKG_CRED_OUTBOUND, null, null, null, null, credential, [0]];
      return { status: await callInThread(acquire, args), credential };
    },
    initContext: async ({ credential, context, target, input }) => {
      const next: SecHandle = { lower: 0, upper: 0 };
      const space = Buffer.alloc(MAX_TOKEN_BYTES);
      const [given, taken] = [input === undefined ? undefined : tokenBuffer(input), tokenBuffer(space)];
      try {
        const args = [
          ...[credential, context ?? null, target, 0, 0, SECURITY_NATIVE_DREP],
          ...[given === undefined ? null : descOf(given), 0, next, descOf(taken), [0], [0]],
        ];
        const status = await callInThread(initContext, args, input === undefined ? [space] : [input, space]);
        const { cbBuffer } = koffi.decode(taken, buffer) as { cbBuffer: number };
        return { status, context: next, token: Buffer.from(space.subarray(0, status < 0 ? 0 : cbBuffer)) };
      } finally {
        koffi.free(taken);
        if (given !== undefined) koffi.free(given);
      }
    },
    deleteContext: (context) => void deleteContext(context),
    freeCredential: (credential) => void freeCredential(credential),
  };
}
