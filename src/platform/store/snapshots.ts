import { RootHasher, tableOfKey } from '../../wire/item.ts';
import type { Db } from './database.ts';

/** The head of one agent's snapshot of one manifest type. Times in ms since the epoch. */
export interface SnapshotHead {
  readonly id: number;
  readonly agent: string;
  readonly type: string;
  readonly seq: number;
  readonly root: string;
  readonly committedAt: number;
  readonly processedSeq: number | null;
  readonly processedAt: number | null;
}

export interface StoredItem {
  readonly key: string;
  /** Canonical JSON. */
  readonly row: string;
}

/** How many rows one commit added, changed and removed. */
export interface ChangeCounts {
  readonly added: number;
  readonly changed: number;
  readonly removed: number;
}

/** Snapshots: what each agent's host looked like at its last commit, per manifest type. */
export function snapshotStore(db: Db) {
  const head = db.prepare<[string, string], SnapshotHead>(
    'SELECT * FROM snapshots WHERE agent = ? AND type = ?',
  );
  const heads = db.prepare<[string], SnapshotHead>('SELECT * FROM snapshots WHERE agent = ? ORDER BY type');
  const unprocessed = db.prepare<[], SnapshotHead>(
    'SELECT * FROM snapshots WHERE processedSeq IS NULL OR processedSeq <> seq ORDER BY committedAt, id',
  );
  const outdated = db.prepare<[string, string], SnapshotHead>(
    'SELECT * FROM snapshots WHERE type = ? AND processedSeq = seq AND correlatedWith <> ? ORDER BY id',
  );
  const correlated = db.prepare<[string, number]>('UPDATE snapshots SET correlatedWith = ? WHERE id = ?');
  const add = db.prepare<[string, string]>(
    "INSERT INTO snapshots (agent, type, seq, root, committedAt) VALUES (?, ?, 0, '', 0)",
  );
  const drop = db.prepare<[string, string]>('DELETE FROM snapshots WHERE agent = ? AND type = ?');
  const commit = db.prepare<[number, string, number, number]>(
    'UPDATE snapshots SET seq = ?, root = ?, committedAt = ? WHERE id = ?',
  );
  const processed = db.prepare<[number, number, number]>(
    'UPDATE snapshots SET processedSeq = ?, processedAt = ? WHERE id = ?',
  );
  const hashes = db.prepare<[number], { hash: string }>(
    'SELECT hash FROM snapshot_items WHERE snapshot = ? ORDER BY key',
  );
  const rows = db.prepare<[number, string, string], StoredItem>(
    'SELECT key, row FROM snapshot_items WHERE snapshot = ? AND key >= ? AND key < ? ORDER BY key',
  );
  const keys = db.prepare<[number], { key: string }>('SELECT key FROM snapshot_items WHERE snapshot = ?');

  return {
    head: (agent: string, type: string): SnapshotHead | undefined => head.get(agent, type),
    heads: (agent: string): SnapshotHead[] => heads.all(agent),
    /** Committed snapshots whose processing has not finished, the oldest first. */
    unprocessed: (): SnapshotHead[] => unprocessed.all(),
    /** Processed snapshots of a type that were looked at under other advisories than these. */
    outdated: (type: string, advisories: string): SnapshotHead[] => outdated.all(type, advisories),
    markCorrelated: (id: number, advisories: string): void => void correlated.run(advisories, id),
    /** An empty snapshot that the same transaction fills and commits; its id. */
    add: (agent: string, type: string): number => Number(add.run(agent, type).lastInsertRowid),
    /** Forgets a snapshot with all its rows ("scorch", R221). */
    drop: (agent: string, type: string): void => void drop.run(agent, type),
    commit: (id: number, seq: number, root: string, now: number): void => void commit.run(seq, root, now, id),
    markProcessed: (id: number, seq: number, now: number): void => void processed.run(seq, now, id),
    /** The root recomputed from the stored hashes, in bytewise key order (SQLite's BINARY order), and how many they are. */
    root(id: number): { readonly root: string; readonly rows: number } {
      const hasher = new RootHasher();
      let rows = 0;
      for (const { hash } of hashes.iterate(id)) {
        hasher.add(hash);
        rows += 1;
      }
      return { root: hasher.digest(), rows };
    },
    /** Rows of one table in key order. */
    rows: (id: number, table: string): StoredItem[] => rows.all(id, `${table}\u001f`, `${table}\u0020`),
    /** Rows per table. */
    counts(id: number): Record<string, number> {
      const counts: Record<string, number> = {};
      for (const { key } of keys.iterate(id)) {
        const table = tableOfKey(key);
        counts[table] = (counts[table] ?? 0) + 1;
      }
      return counts;
    },
  };
}
