import { z } from 'zod';
import { isManifestType, MANIFEST_TYPES, type ManifestType } from '../../shared/modules.ts';
import { integer, optional, text } from './columns.ts';
import { type Sql, type SqlRow, type Statement } from './sql.ts';
import { StoreError } from './store-error.ts';

/** What was last committed of a manifest type. Times in ms since the epoch. */
export interface SyncState {
  readonly type: ManifestType;
  readonly seq: number;
  readonly root: string;
  readonly rows: number;
  /** Rows per table. */
  readonly tables: Readonly<Record<string, number>>;
  readonly collectedAt: number;
  readonly uploadedAt: number;
  /** The newest sequence that the platform said to have processed, and when it had. */
  readonly processed?: { readonly seq: number; readonly at: number };
}

/** The `sync_state` table: one row per manifest type whose snapshot both sides hold. */
export class SyncStates {
  readonly #one: Statement;
  readonly #all: Statement;
  readonly #put: Statement;
  readonly #processed: Statement;
  readonly #delete: Statement;

  constructor(sql: Sql) {
    this.#one = sql.prepare('SELECT * FROM sync_state WHERE type = ?');
    this.#all = sql.prepare('SELECT * FROM sync_state ORDER BY type');
    this.#put = sql.prepare(
      `INSERT INTO sync_state (type, seq, root, rows, tables, collected_at, uploaded_at)
       VALUES (?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (type) DO UPDATE SET seq = excluded.seq, root = excluded.root, rows = excluded.rows,
         tables = excluded.tables, collected_at = excluded.collected_at, uploaded_at = excluded.uploaded_at`,
    );
    this.#processed = sql.prepare(
      `UPDATE sync_state SET processed_seq = ?, processed_at = ?
       WHERE type = ? AND seq >= ? AND (processed_seq IS NULL OR processed_seq < ?)`,
    );
    this.#delete = sql.prepare('DELETE FROM sync_state WHERE type = ?');
  }

  get(type: ManifestType): SyncState | undefined {
    const row = this.#one.get(type);
    return row === undefined ? undefined : toState(row);
  }

  /** All states; those of types that this build does not know are passed over. */
  all(): SyncState[] {
    return this.#all
      .all()
      .filter((row) => isManifestType(row['type']))
      .map(toState);
  }

  put(state: Omit<SyncState, 'processed'>): void {
    const { type, seq, root, rows, tables, collectedAt, uploadedAt } = state;
    this.#put.run(type, seq, root, rows, JSON.stringify(tables), collectedAt, uploadedAt);
  }

  /** Notes what the platform processed; only forward, and never beyond what was committed. Whether that was news. */
  setProcessed(type: ManifestType, seq: number, at: number): boolean {
    return this.#processed.run(seq, at, type, seq, seq).changes > 0;
  }

  delete(type: ManifestType): void {
    this.#delete.run(type);
  }
}

function toState(row: SqlRow): SyncState {
  const seq = optional(integer, row, 'processed_seq');
  return {
    type: manifestType(row),
    seq: integer(row, 'seq'),
    root: text(row, 'root'),
    rows: integer(row, 'rows'),
    tables: tableCounts(row),
    collectedAt: integer(row, 'collected_at'),
    uploadedAt: integer(row, 'uploaded_at'),
    ...(seq === undefined ? {} : { processed: { seq, at: integer(row, 'processed_at') } }),
  };
}

const Counts = z.record(z.string(), z.number().int().min(0));

/** Rows per table from the `tables` column; throws `StoreError` CORRUPT when it is not that. */
export function tableCounts(row: SqlRow): Record<string, number> {
  try {
    return Counts.parse(JSON.parse(text(row, 'tables')));
  } catch (error) {
    throw new StoreError('CORRUPT', 'column tables holds no row counts', error);
  }
}

/** The manifest type of a row; throws `StoreError` CORRUPT for one that does not exist. */
export function manifestType(row: SqlRow): ManifestType {
  const name = text(row, 'type');
  const type = MANIFEST_TYPES.find((known) => known === name);
  if (type === undefined) throw new StoreError('CORRUPT', 'column type holds no manifest type');
  return type;
}
