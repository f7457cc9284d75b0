import type { Change } from '../../wire/delta.ts';
import type { Db } from './database.ts';
import type { ChangeCounts } from './snapshots.ts';

/** Newest change events kept per agent. */
export const CHANGES_KEPT = 10_000;
/** Newest commits kept per agent and type. */
export const COMMITS_KEPT = 1_000;

/** One row that a commit added, changed or removed. */
export interface ChangeEvent {
  readonly type: string;
  readonly seq: number;
  readonly op: 'added' | 'changed' | 'removed';
  readonly key: string;
}

export interface CommitRecord extends ChangeCounts {
  readonly agent: string;
  readonly type: string;
  readonly seq: number;
  readonly kind: string;
  readonly at: number;
  readonly rawBytes: number;
  readonly encodedBytes: number;
}

/** Which upload is applied to which snapshot, against the rows of which base. */
interface Ids {
  readonly upload: string;
  readonly snapshot: number;
  readonly base: number;
}

interface LogIds extends Ids {
  readonly agent: string;
  readonly type: string;
  readonly seq: number;
}

const DELETED = 'SELECT key FROM staged WHERE upload = @upload AND row IS NULL';
const ROWS_OF_BASE = 'SELECT key, hash FROM snapshot_items WHERE snapshot = @base';

/**
 * Decoded changes of one upload on their way into a snapshot. They are staged while the body is read as a stream,
 * and applied in one short transaction once the whole body proved well-formed (R023).
 */
export function stagingStore(db: Db) {
  const stage = db.prepare<[string, string, string | null, string | null]>(
    'INSERT INTO staged (upload, key, row, hash) VALUES (?, ?, ?, ?)',
  );
  const unstage = db.prepare<[string]>('DELETE FROM staged WHERE upload = ?');
  const unstageAll = db.prepare('DELETE FROM staged');
  const missing = db.prepare<[Ids], { n: number }>(
    `SELECT count(*) AS n FROM (${DELETED} EXCEPT SELECT key FROM snapshot_items WHERE snapshot = @base)`,
  );
  const remove = db.prepare<[Ids]>(
    `DELETE FROM snapshot_items WHERE snapshot = @snapshot AND key IN (${DELETED})`,
  );
  const set = db.prepare<[Ids]>(
    `INSERT INTO snapshot_items (snapshot, key, row, hash)
     SELECT @snapshot, key, row, hash FROM staged WHERE upload = @upload AND row IS NOT NULL
     ON CONFLICT (snapshot, key) DO UPDATE SET row = excluded.row, hash = excluded.hash`,
  );
  const LOG = 'INSERT INTO changes (agent, type, seq, op, key)';
  const logSet = db.prepare<[LogIds]>(
    `${LOG} SELECT @agent, @type, @seq, CASE WHEN b.key IS NULL THEN 'added' ELSE 'changed' END, s.key
     FROM staged s LEFT JOIN (${ROWS_OF_BASE}) b ON b.key = s.key
     WHERE s.upload = @upload AND s.row IS NOT NULL AND (b.key IS NULL OR b.hash <> s.hash) ORDER BY s.key`,
  );
  const logDeleted = db.prepare<[LogIds]>(
    `${LOG} SELECT @agent, @type, @seq, 'removed', key FROM (${DELETED})`,
  );
  const logAbsent = db.prepare<[LogIds]>(
    `${LOG} SELECT @agent, @type, @seq, 'removed', key FROM
       (SELECT key FROM (${ROWS_OF_BASE}) EXCEPT SELECT key FROM staged WHERE upload = @upload)`,
  );
  const count = db.prepare<[string, string, number, string], { n: number }>(
    'SELECT count(*) AS n FROM changes WHERE agent = ? AND type = ? AND seq = ? AND op = ?',
  );
  const trimChanges = db.prepare<[string, string, number]>(
    `DELETE FROM changes WHERE agent = ? AND id <=
       (SELECT id FROM changes WHERE agent = ? ORDER BY id DESC LIMIT 1 OFFSET ?)`,
  );
  const forget = db.prepare<[string, string]>('DELETE FROM changes WHERE agent = ? AND type = ?');
  const changes = db.prepare<[string, number], ChangeEvent>(
    'SELECT type, seq, op, key FROM changes WHERE agent = ? ORDER BY id DESC LIMIT ?',
  );
  const addCommit = db.prepare<[CommitRecord]>(
    `INSERT INTO commits (agent, type, seq, kind, at, rawBytes, encodedBytes, added, changed, removed)
     VALUES (@agent, @type, @seq, @kind, @at, @rawBytes, @encodedBytes, @added, @changed, @removed)`,
  );
  const trimCommits = db.prepare<[string, string, string, string, number]>(
    `DELETE FROM commits WHERE agent = ? AND type = ? AND id <=
       (SELECT id FROM commits WHERE agent = ? AND type = ? ORDER BY id DESC LIMIT 1 OFFSET ?)`,
  );
  const commits = db.prepare<[string, number], CommitRecord>(
    `SELECT agent, type, seq, kind, at, rawBytes, encodedBytes, added, changed, removed
     FROM commits WHERE agent = ? ORDER BY id DESC LIMIT ?`,
  );
  const stageMany = db.transaction((upload: string, batch: readonly Change[]) => {
    for (const change of batch) {
      if ('set' in change) stage.run(upload, change.set.key, change.set.row, change.set.hash);
      else stage.run(upload, change.del, null, null);
    }
  });

  return {
    stage: (upload: string, batch: readonly Change[]): void => {
      stageMany(upload, batch);
    },
    clear: (upload: string): void => void unstage.run(upload),
    clearAll: (): void => void unstageAll.run(),
    /** How many staged deletions name a key that the base does not hold. */
    missing: (ids: Ids): number => missing.get(ids)?.n ?? 0,
    /** Writes the staged changes into a snapshot. */
    apply(ids: Ids): void {
      remove.run(ids);
      set.run(ids);
    },
    /**
     * Logs what staged changes mean against the rows of `base`, before they are applied. For a snapshot, a key of
     * the base that is not staged was removed.
     */
    logChanges(ids: LogIds, isSnapshot: boolean): ChangeCounts {
      logSet.run(ids);
      (isSnapshot ? logAbsent : logDeleted).run(ids);
      const counted = (op: string): number => count.get(ids.agent, ids.type, ids.seq, op)?.n ?? 0;
      return { added: counted('added'), changed: counted('changed'), removed: counted('removed') };
    },
    trimChanges: (agent: string): void => void trimChanges.run(agent, agent, CHANGES_KEPT),
    /** Forgets the change events of a type whose sequence starts anew. */
    forgetChanges: (agent: string, type: string): void => void forget.run(agent, type),
    changes: (agent: string, limit = 100): ChangeEvent[] => changes.all(agent, limit),
    addCommit(record: CommitRecord): void {
      addCommit.run(record);
      trimCommits.run(record.agent, record.type, record.agent, record.type, COMMITS_KEPT);
    },
    commits: (agent: string, limit = 100): CommitRecord[] => commits.all(agent, limit),
  };
}
