import { CHANGE } from '../change.ts';

/*
 * The change journal of NTFS as winioctl.h lays it out: USN_JOURNAL_DATA_V0, READ_USN_JOURNAL_DATA_V1, USN_RECORD_V2 and
 * USN_RECORD_V3 (Win32 documentation). All numbers are little-endian.
 */

/** What FSCTL_QUERY_USN_JOURNAL says: which journal there is, and what is in it. */
export interface UsnJournal {
  /** Another number is another journal: it was deleted and made anew. */
  readonly id: bigint;
  /** The oldest record that is still there, and where the next one will be. */
  readonly firstUsn: bigint;
  readonly nextUsn: bigint;
}

/** One record. File numbers are 64 bits (V2) or 128 bits (V3), in hexadecimal, with the sequence number that tells reuse. */
export interface UsnRecord {
  readonly usn: bigint;
  readonly file: FileNumber;
  readonly parent: FileNumber;
  /** Ms since the epoch. */
  readonly at: number;
  /** Bits of `USN_REASON_…`. */
  readonly reason: number;
  readonly directory: boolean;
  readonly name: string;
}

/** Number of a file on its volume, little-endian, 8 or 16 bytes, as hexadecimal text. */
export type FileNumber = string;

export interface UsnRecords {
  /** Where to read on. */
  readonly next: bigint;
  readonly records: readonly UsnRecord[];
  /** Records of a version or form that is not known. */
  readonly unknown: number;
}

export const USN_JOURNAL_DATA_BYTES = 56;
const READ_DATA_BYTES = 48;

/** Decodes the answer of FSCTL_QUERY_USN_JOURNAL; `undefined` where it is too short. */
export function decodeJournal(bytes: Buffer): UsnJournal | undefined {
  if (bytes.length < USN_JOURNAL_DATA_BYTES) return undefined;
  return {
    id: bytes.readBigUInt64LE(0),
    firstUsn: bytes.readBigInt64LE(8),
    nextUsn: bytes.readBigInt64LE(16),
  };
}

/** The question of FSCTL_READ_USN_JOURNAL: every reason, from `start` on, without waiting, records of V2 and V3. */
export function encodeRead(journalId: bigint, start: bigint): Buffer {
  const bytes = Buffer.alloc(READ_DATA_BYTES);
  bytes.writeBigInt64LE(start, 0);
  bytes.writeUInt32LE(0xffff_ffff, 8);
  bytes.writeBigUInt64LE(journalId, 32);
  bytes.writeUInt16LE(2, 40);
  bytes.writeUInt16LE(3, 42);
  return bytes;
}

/** Where the fields of a record stand, by its major version. */
const LAYOUTS: ReadonlyMap<
  number,
  { readonly number: 8 | 16; readonly fields: number; readonly name: number }
> = new Map([
  [2, { number: 8, fields: 24, name: 60 }],
  [3, { number: 16, fields: 40, name: 76 }],
]);

/** Length of a record without a name, and before its version is known. */
const HEADER_BYTES = 8;

const FILE_ATTRIBUTE_DIRECTORY = 0x10;

/**
 * Decodes the answer of FSCTL_READ_USN_JOURNAL, at most the bytes it says it gave. `undefined` where it has no number to
 * read on at. A length that does not fit ends the decoding: what follows can't be found.
 */
export function decodeRecords(bytes: Buffer): UsnRecords | undefined {
  if (bytes.length < 8) return undefined;
  const records: UsnRecord[] = [];
  let unknown = 0;
  let at = 8;
  while (at + HEADER_BYTES <= bytes.length) {
    const length = bytes.readUInt32LE(at);
    if (length < HEADER_BYTES || length > bytes.length - at) {
      unknown += 1;
      break;
    }
    const record = decodeRecord(bytes.subarray(at, at + length));
    if (record === undefined) unknown += 1;
    else records.push(record);
    // Records stand at multiples of eight bytes, whatever their length.
    at += Math.ceil(length / 8) * 8;
  }
  return { next: bytes.readBigInt64LE(0), records, unknown };
}

function decodeRecord(record: Buffer): UsnRecord | undefined {
  const layout = LAYOUTS.get(record.readUInt16LE(4));
  if (layout === undefined || record.length < layout.name) return undefined;
  const { number, fields } = layout;
  const nameBytes = record.readUInt16LE(fields + 32);
  const nameAt = record.readUInt16LE(fields + 34);
  if (nameAt < layout.name || nameAt + nameBytes > record.length || nameBytes % 2 !== 0) return undefined;
  return {
    usn: record.readBigInt64LE(fields),
    file: record.toString('hex', 8, 8 + number),
    parent: record.toString('hex', 8 + number, 8 + 2 * number),
    at: fileTimeMs(record.readBigInt64LE(fields + 8)),
    reason: record.readUInt32LE(fields + 16),
    directory: (record.readUInt32LE(fields + 28) & FILE_ATTRIBUTE_DIRECTORY) !== 0,
    name: record.toString('utf16le', nameAt, nameAt + nameBytes),
  };
}

/** From 1601 to 1970, ms; a FILETIME counts in 100 ns. */
const EPOCH_MS = 11_644_473_600_000;

/** Ms since the epoch of a FILETIME; 0 for one that no date can say. */
export function fileTimeMs(time: bigint): number {
  const ms = Number(time / 10_000n) - EPOCH_MS;
  return Math.abs(ms) <= 8.64e15 ? ms : 0;
}

/** Reasons and what they mean here; what only the search index or the journal itself cares for is left out. */
const REASONS: readonly (readonly [reason: number, what: number])[] = [
  /* DATA_OVERWRITE, DATA_EXTEND, DATA_TRUNCATION and the same of named streams */
  [0x0000_0077, CHANGE.modified],
  [0x0000_0100, CHANGE.created],
  [0x0000_0200, CHANGE.deleted],
  /* EA_CHANGE, SECURITY_CHANGE, BASIC_INFO_CHANGE, COMPRESSION_CHANGE, ENCRYPTION_CHANGE, REPARSE_POINT_CHANGE */
  [0x0016_8c00, CHANGE.attributes],
  [0x0000_1000, CHANGE.movedFrom],
  [0x0000_2000, CHANGE.movedTo],
  /* HARD_LINK_CHANGE: a name was added or taken away; STREAM_CHANGE: so was a named stream */
  [0x0001_0000, CHANGE.created | CHANGE.deleted],
  [0x0020_0000, CHANGE.modified],
];

const CLOSE = 0x8000_0000;

/**
 * Bits of `CHANGE` for the reasons of a record. Reasons add up until the file is closed, so a bit may come again with a
 * record that was written for another one. 0 where nothing of interest happened.
 */
export function changeOf(reason: number): number {
  let what = 0;
  for (const [mask, bits] of REASONS) if ((reason & mask) !== 0) what |= bits;
  const wrote = (what & (CHANGE.modified | CHANGE.created)) !== 0;
  return (reason & CLOSE) !== 0 && wrote ? what | CHANGE.closedAfterWrite : what;
}

export const RENAME_OLD_NAME = 0x0000_1000;
export const RENAME_NEW_NAME = 0x0000_2000;

/** Windows error numbers (winerror.h) that say that there is no such record or journal any more. */
export const JOURNAL_ERRORS = {
  invalidParameter: 87,
  deleteInProgress: 1_178,
  notActive: 1_179,
  entryDeleted: 1_181,
} as const;
