import { z } from 'zod';
import { type ManifestType } from '../../shared/modules.ts';
import { UPLOAD_LIMITS } from '../../shared/wire.ts';
import { SEGMENT_BYTES } from './body-encoder.ts';
import { bytes, integer, optional, text } from './columns.ts';
import { type Sql, type SqlRow, type Statement } from './sql.ts';
import { manifestType, tableCounts } from './sync-states.ts';

/** A collection that was sealed and waits for its upload to be committed. Times in ms since the epoch. */
export interface Pending {
  readonly type: ManifestType;
  readonly kind: 'snapshot' | 'delta';
  readonly baseSeq: number;
  readonly baseRoot: string;
  readonly newSeq: number;
  readonly newRoot: string;
  /** Rows after it is applied, in all and per table. */
  readonly rows: number;
  readonly tables: Readonly<Record<string, number>>;
  readonly setCount: number;
  readonly delCount: number;
  readonly collectedAt: number;
  readonly encoding: 'gzip' | 'zstd';
  readonly chunkBytes: number;
  readonly chunkCount: number;
  readonly encodedBytes: number;
  readonly rawBytes: number;
  /** SHA-256 of the encoded body in hexadecimal. */
  readonly digest: string;
  /** Of opening the upload; a new one with every change of terms. */
  readonly idempotencyKey: string;
  /** The platform's id of the upload, once it was opened. */
  readonly uploadId?: string;
}

/** The one pending upload of this host: its terms and its body. */
export class PendingUpload {
  readonly #newId: () => string;
  readonly #get: Statement;
  readonly #insert: Statement;
  readonly #opened: Statement;
  readonly #rechunk: Statement;
  readonly #segments: Statement;
  readonly #clear: readonly Statement[];

  constructor(sql: Sql, newId: () => string) {
    this.#newId = newId;
    this.#get = sql.prepare('SELECT * FROM pending');
    this.#insert = sql.prepare(
      `INSERT INTO pending (one, type, kind, base_seq, base_root, new_seq, new_root, rows, tables, set_count, del_count,
         collected_at, encoding, chunk_bytes, encoded_bytes, raw_bytes, digest, idempotency_key)
       VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#opened = sql.prepare('UPDATE pending SET upload_id = ?');
    this.#rechunk = sql.prepare('UPDATE pending SET chunk_bytes = ?, idempotency_key = ?, upload_id = NULL');
    this.#segments = sql.prepare('SELECT bytes FROM pending_body WHERE n BETWEEN ? AND ? ORDER BY n');
    this.#clear = ['pending', 'pending_changes', 'pending_body'].map((table) =>
      sql.prepare(`DELETE FROM ${table}`),
    );
  }

  get(): Pending | undefined {
    const row = this.#get.get();
    return row === undefined ? undefined : toPending(row);
  }

  /** The pending upload; throws an `Error` when there is none. */
  require(): Pending {
    const pending = this.get();
    if (pending === undefined) throw new Error('no upload is pending');
    return pending;
  }

  /** To be called inside the transaction that also stores changes and body. */
  insert(terms: Omit<Pending, 'chunkCount' | 'idempotencyKey' | 'uploadId'>): void {
    this.#insert.run(
      terms.type,
      terms.kind,
      terms.baseSeq,
      terms.baseRoot,
      terms.newSeq,
      terms.newRoot,
      terms.rows,
      JSON.stringify(terms.tables),
      terms.setCount,
      terms.delCount,
      terms.collectedAt,
      terms.encoding,
      requireChunkBytes(terms.chunkBytes),
      terms.encodedBytes,
      terms.rawBytes,
      terms.digest,
      this.#newId(),
    );
  }

  /** Notes under which id the platform opened the upload. Throws an `Error` when nothing is pending. */
  setUpload(uploadId: string): void {
    if (this.#opened.run(uploadId).changes === 0) throw new Error('no upload is pending');
  }

  /**
   * Cuts the same body into other chunks, for a new upload with its own idempotency key: after 413, or with the size
   * unchanged when the platform no longer knows the upload. Throws an `Error` when nothing is pending.
   */
  rechunk(chunkBytes: number): void {
    const changed = this.#rechunk.run(requireChunkBytes(chunkBytes), this.#newId()).changes;
    if (changed === 0) throw new Error('no upload is pending');
  }

  /** The encoded bytes of chunk `n`, from 0. Throws `RangeError` when there is no such chunk. */
  chunk(n: number): Buffer {
    const pending = this.get();
    if (pending === undefined || !Number.isInteger(n) || n < 0 || n >= pending.chunkCount) {
      throw new RangeError(`the pending upload has no chunk ${n}`);
    }
    const start = n * pending.chunkBytes;
    const end = Math.min(start + pending.chunkBytes, pending.encodedBytes);
    const first = Math.floor(start / SEGMENT_BYTES);
    const rows = this.#segments.all(first, Math.floor((end - 1) / SEGMENT_BYTES));
    const joined = Buffer.concat(rows.map((row) => bytes(row, 'bytes')));
    return joined.subarray(start - first * SEGMENT_BYTES, end - first * SEGMENT_BYTES);
  }

  /** Forgets the pending upload with its changes and body; to be called inside a transaction. */
  clear(): void {
    for (const statement of this.#clear) statement.run();
  }
}

function requireChunkBytes(chunkBytes: number): number {
  const { chunkBytesMin: min, chunkBytesMax: max } = UPLOAD_LIMITS;
  if (Number.isInteger(chunkBytes) && chunkBytes >= min && chunkBytes <= max) return chunkBytes;
  throw new RangeError(`a chunk of ${chunkBytes} bytes is not within ${min} and ${max}`);
}

const Kind = z.enum(['snapshot', 'delta']);
const Encoding = z.enum(['gzip', 'zstd']);

function toPending(row: SqlRow): Pending {
  const chunkBytes = integer(row, 'chunk_bytes');
  const encodedBytes = integer(row, 'encoded_bytes');
  const uploadId = optional(text, row, 'upload_id');
  return {
    type: manifestType(row),
    kind: Kind.parse(row['kind']),
    baseSeq: integer(row, 'base_seq'),
    baseRoot: text(row, 'base_root'),
    newSeq: integer(row, 'new_seq'),
    newRoot: text(row, 'new_root'),
    rows: integer(row, 'rows'),
    tables: tableCounts(row),
    setCount: integer(row, 'set_count'),
    delCount: integer(row, 'del_count'),
    collectedAt: integer(row, 'collected_at'),
    encoding: Encoding.parse(row['encoding']),
    chunkBytes,
    chunkCount: Math.ceil(encodedBytes / chunkBytes),
    encodedBytes,
    rawBytes: integer(row, 'raw_bytes'),
    digest: text(row, 'digest'),
    idempotencyKey: text(row, 'idempotency_key'),
    ...(uploadId === undefined ? {} : { uploadId }),
  };
}
