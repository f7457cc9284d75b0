/* Bytes of the change journal as winioctl.h lays them out. */

/** From 1601 to 1970 in 100 ns. */
const EPOCH = 116_444_736_000_000_000n;

export interface RecordFields {
  readonly version?: number;
  readonly usn?: bigint;
  readonly file?: bigint;
  readonly parent?: bigint;
  readonly at?: number;
  readonly reason?: number;
  readonly attributes?: number;
  readonly name?: string;
}

/** USN_RECORD_V2, or V3 with numbers of 128 bits. */
export function usnRecord(fields: RecordFields = {}): Buffer {
  const {
    version = 2,
    usn = 4_096n,
    file = 0x0003_0000_0000_0042n,
    parent = 0x0005_0000_0000_0005n,
  } = fields;
  const { at = 0, reason = 0x100, attributes = 0x20, name = 'file.txt' } = fields;
  const wide = version === 3 ? 8 : 0;
  const text = Buffer.from(name, 'utf16le');
  const start = 60 + 2 * wide;
  const bytes = Buffer.alloc(Math.ceil((start + text.length) / 8) * 8);
  bytes.writeUInt32LE(bytes.length, 0);
  bytes.writeUInt16LE(version, 4);
  bytes.writeBigUInt64LE(file, 8);
  bytes.writeBigUInt64LE(parent, 16 + wide);
  const rest = 24 + 2 * wide;
  bytes.writeBigInt64LE(usn, rest);
  bytes.writeBigInt64LE(EPOCH + BigInt(at) * 10_000n, rest + 8);
  bytes.writeUInt32LE(reason, rest + 16);
  bytes.writeUInt32LE(0, rest + 20);
  bytes.writeUInt32LE(0x107, rest + 24);
  bytes.writeUInt32LE(attributes, rest + 28);
  bytes.writeUInt16LE(text.length, rest + 32);
  bytes.writeUInt16LE(start, rest + 34);
  text.copy(bytes, start);
  return bytes;
}

/** An answer of FSCTL_READ_USN_JOURNAL. */
export function usnAnswer(next: bigint, ...records: readonly Buffer[]): Buffer {
  const head = Buffer.alloc(8);
  head.writeBigInt64LE(next);
  return Buffer.concat([head, ...records]);
}

/** USN_JOURNAL_DATA_V0. */
export function usnJournal(id: bigint, firstUsn: bigint, nextUsn: bigint): Buffer {
  const bytes = Buffer.alloc(56);
  bytes.writeBigUInt64LE(id, 0);
  bytes.writeBigInt64LE(firstUsn, 8);
  bytes.writeBigInt64LE(nextUsn, 16);
  return bytes;
}
