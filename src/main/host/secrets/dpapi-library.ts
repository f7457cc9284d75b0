import { loadKoffi } from '../koffi.ts';

/** Sealing and opening bytes on this machine. Both throw with Windows' error number. */
export interface DataProtection {
  readonly protect: (plain: Buffer, entropy: Buffer) => Buffer;
  readonly unprotect: (sealed: Buffer, entropy: Buffer) => Buffer;
}

/** wincrypt.h: no dialogue ever; the machine's key instead of the user's. */
const CRYPTPROTECT_UI_FORBIDDEN = 0x1;
const CRYPTPROTECT_LOCAL_MACHINE = 0x4;
const FLAGS = CRYPTPROTECT_UI_FORBIDDEN | CRYPTPROTECT_LOCAL_MACHINE;

/** DATA_BLOB. */
interface Blob {
  cbData: number;
  pbData: unknown;
}

type Crypt = (
  input: Blob,
  description: null,
  entropy: Blob,
  reserved: null,
  prompt: null,
  flags: number,
  output: Blob,
) => number;

/** Loads the libraries of Windows. Throws where they are not. The calls are quick and local: they run in no thread. */
export function loadDataProtection(crypt = 'crypt32.dll', kernel = 'kernel32.dll'): DataProtection {
  const koffi = loadKoffi();
  const crypt32 = koffi.load(crypt);
  const kernel32 = koffi.load(kernel);
  const blob = koffi.pointer(koffi.struct({ cbData: 'uint32', pbData: 'void *' }));
  const signature = ['void *', blob, 'void *', 'void *', 'uint32', koffi.out(blob)];
  const protect = crypt32.func('__stdcall', 'CryptProtectData', 'int', [blob, ...signature]) as Crypt;
  const unprotect = crypt32.func('__stdcall', 'CryptUnprotectData', 'int', [blob, ...signature]) as Crypt;
  const localFree = kernel32.func('__stdcall', 'LocalFree', 'void *', ['void *']) as (
    pointer: unknown,
  ) => unknown;
  const lastError = kernel32.func('__stdcall', 'GetLastError', 'uint32', []) as () => number;

  const call = (name: string, act: Crypt, input: Buffer, entropy: Buffer): Buffer => {
    const output: Blob = { cbData: 0, pbData: null };
    const done = act(blobOf(input), null, blobOf(entropy), null, null, FLAGS, output);
    if (done === 0) throw new Error(`${name} failed with error ${String(lastError())}`);
    try {
      return Buffer.from(koffi.decode(output.pbData, 'uint8', output.cbData) as Uint8Array);
    } finally {
      localFree(output.pbData);
    }
  };
  return {
    protect: (plain, entropy) => call('CryptProtectData', protect, plain, entropy),
    unprotect: (sealed, entropy) => call('CryptUnprotectData', unprotect, sealed, entropy),
  };
}

const blobOf = (bytes: Buffer): Blob => ({ cbData: bytes.length, pbData: bytes });
