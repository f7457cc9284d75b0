import { loadKoffi } from '../../native/koffi.ts';

/*
 * Directories of the object namespace: NtOpenDirectoryObject, NtQueryDirectoryObject, NtClose of ntdll.dll with
 * OBJECT_ATTRIBUTES, UNICODE_STRING and OBJECT_DIRECTORY_INFORMATION (Win32 development notes, ntdef.h), as 64-bit Windows
 * lays them out.
 */

/** An object of a directory. */
export interface NamedObject {
  readonly name: string;
  /** `Mutant`, `Event`, `Directory`, … */
  readonly type: string;
}

/**
 * The objects of a directory, `MOST_OBJECTS` or a few more where there are more; none where there is no such directory. Throws
 * why it can't be listed.
 */
export type ListObjects = (directory: string) => NamedObject[];

const POINTER_BYTES = 8;
const OBJECT_ATTRIBUTES_BYTES = 48;
const UNICODE_STRING_BYTES = 16;
/** Two UNICODE_STRINGs, name and type; one of zeros ends the list. */
const ENTRY_BYTES = 2 * UNICODE_STRING_BYTES;

const DIRECTORY_QUERY = 0x1;

/** ntstatus.h. */
const STATUS_SUCCESS = 0;
const STATUS_MORE_ENTRIES = 0x105;
const STATUS_NO_MORE_ENTRIES = 0x8000_001a;
const STATUS_NOT_IMPLEMENTED = 0xc000_0002;
/** STATUS_OBJECT_NAME_NOT_FOUND, STATUS_OBJECT_PATH_NOT_FOUND. */
const ABSENT = new Set([0xc000_0034, 0xc000_003a]);

/**
 * Bytes of one answer: a directory of two thousand objects in one, since what comes and goes between two answers moves the
 * others to another place in the list.
 */
const ANSWER_BYTES = 256 * 1024;
/** Objects of a directory after which it is asked for no more: anybody may make some. */
export const MOST_OBJECTS = 16_384;

type Open = (handle: [unknown], access: number, attributes: Buffer) => number;
type Query = (
  handle: unknown,
  answer: Buffer,
  bytes: number,
  single: 0 | 1,
  restart: 0 | 1,
  context: [number],
  given: null,
) => number;

/**
 * The objects in an answer of NtQueryDirectoryObject, of which the first byte was at address `at`. Throws where a name is not
 * inside the answer.
 */
export function decodeObjects(answer: Buffer, at: bigint): NamedObject[] {
  const objects: NamedObject[] = [];
  for (let entry = 0; entry + ENTRY_BYTES <= answer.length; entry += ENTRY_BYTES) {
    if (answer.readBigUInt64LE(entry + 8) === 0n) return objects;
    const name = textAt(answer, entry, at);
    objects.push({ name, type: textAt(answer, entry + UNICODE_STRING_BYTES, at) });
  }
  return objects;
}

/** Loads ntdll.dll, or the library of that name in a test. Throws off Windows, and in a process of 32 bits. */
export function loadObjectDirectories(library = 'ntdll.dll'): ListObjects {
  const koffi = loadKoffi();
  if (koffi.sizeof('void *') !== POINTER_BYTES) throw new Error('it is read in a process of 64 bits alone');
  const ntdll = koffi.load(library);
  const open = ntdll.func(
    'uint32 __stdcall NtOpenDirectoryObject(_Out_ intptr_t *handle, uint32 access, void *attributes)',
  ) as unknown as Open;
  const query = ntdll.func(
    'uint32 __stdcall NtQueryDirectoryObject(intptr_t handle, void *answer, uint32 bytes, uint8 single, uint8 restart, _Inout_ uint32 *context, void *given)',
  ) as unknown as Query;
  const close = ntdll.func('uint32 __stdcall NtClose(intptr_t handle)') as unknown as (
    handle: unknown,
  ) => number;

  const list = (handle: unknown): NamedObject[] => {
    const answer = Buffer.alloc(ANSWER_BYTES);
    const at = koffi.address(answer);
    const objects: NamedObject[] = [];
    const context: [number] = [0];
    let single: 0 | 1 = 0;
    for (let calls = 0; calls < MOST_OBJECTS + 2 && objects.length < MOST_OBJECTS; calls += 1) {
      const restart = objects.length === 0 ? 1 : 0;
      const status = query(handle, answer, ANSWER_BYTES, single, restart, context, null);
      if (status === STATUS_NO_MORE_ENTRIES) break;
      // Where many at once are not to be had, they are asked for one after the other.
      if (status === STATUS_NOT_IMPLEMENTED && single === 0) single = 1;
      else if (status === STATUS_SUCCESS || status === STATUS_MORE_ENTRIES) {
        objects.push(...decodeObjects(answer, at));
      } else throw failed(status);
    }
    return objects;
  };
  return (directory) => {
    const handle: [unknown] = [0];
    const status = open(handle, DIRECTORY_QUERY, objectAttributes(directory, koffi.address));
    if (ABSENT.has(status)) return [];
    if (status !== STATUS_SUCCESS) throw failed(status);
    try {
      return list(handle[0]);
    } finally {
      close(handle[0]);
    }
  };
}

const failed = (status: number): Error => new Error(`status 0x${status.toString(16)}`);

/** OBJECT_ATTRIBUTES with the UNICODE_STRING that it points to and the text of that, in one piece of memory. */
function objectAttributes(path: string, addressOf: (bytes: Buffer) => bigint): Buffer {
  const text = Buffer.from(path, 'utf16le');
  const bytes = Buffer.concat([Buffer.alloc(OBJECT_ATTRIBUTES_BYTES + UNICODE_STRING_BYTES), text]);
  const at = addressOf(bytes);
  bytes.writeUInt32LE(OBJECT_ATTRIBUTES_BYTES, 0);
  bytes.writeBigUInt64LE(at + BigInt(OBJECT_ATTRIBUTES_BYTES), 16);
  bytes.writeUInt16LE(text.length, OBJECT_ATTRIBUTES_BYTES);
  bytes.writeUInt16LE(text.length, OBJECT_ATTRIBUTES_BYTES + 2);
  bytes.writeBigUInt64LE(
    at + BigInt(OBJECT_ATTRIBUTES_BYTES + UNICODE_STRING_BYTES),
    OBJECT_ATTRIBUTES_BYTES + 8,
  );
  return bytes;
}

/** The text of a UNICODE_STRING: its length in bytes, and where it is. */
function textAt(answer: Buffer, from: number, at: bigint): string {
  const bytes = answer.readUInt16LE(from);
  const start = answer.readBigUInt64LE(from + 8) - at;
  if (start < 0n || start + BigInt(bytes) > BigInt(answer.length)) {
    throw new Error('a name that is not in the answer');
  }
  return answer.toString('utf16le', Number(start), Number(start) + bytes);
}
