import type { OpenUploadRequest } from '../../shared/wire.ts';
import { fromJson, toJson, type Db } from './database.ts';

/** An upload: open until `status` says how its commit ended. */
export interface Upload {
  readonly id: string;
  readonly agent: string;
  readonly kind: OpenUploadRequest['kind'];
  readonly type: string | null;
  readonly request: OpenUploadRequest;
  readonly createdAt: number;
  readonly finishedAt: number | null;
  /** HTTP status of the commit's answer; `null` while open. */
  readonly status: number | null;
  /** JSON of the commit's answer. */
  readonly reply: string | null;
}

/** A payload that is stored as it was received, in so many chunks; `at` in ms since the epoch. */
export interface Received {
  readonly id: string;
  readonly bytes: number;
  readonly at: number;
  readonly chunks: number;
}

type UploadRow = Omit<Upload, 'request'> & { readonly request: string };
const uploadOf = (row: UploadRow): Upload => ({
  ...row,
  request: fromJson(row.request) as OpenUploadRequest,
});

/** Uploads and the chunks that arrived of them; the chunks' bytes are files (see `uploads/files.ts`). */
export function uploadStore(db: Db) {
  const add = db.prepare<[string, string, string, string | null, string, number, number]>(
    'INSERT INTO uploads (id, agent, kind, type, request, createdAt, lastAt) VALUES (?, ?, ?, ?, ?, ?, ?)',
  );
  const get = db.prepare<[string], UploadRow>('SELECT * FROM uploads WHERE id = ?');
  const open = db.prepare<[string], UploadRow>(
    'SELECT * FROM uploads WHERE agent = ? AND status IS NULL ORDER BY createdAt, rowid',
  );
  const stale = db.prepare<[number, number], { id: string }>(
    `SELECT id FROM uploads WHERE (status IS NULL AND lastAt < ?)
       OR (status IS NOT NULL AND finishedAt < ? AND (kind <> 'logs' OR status <> 200))`,
  );
  const received = db.prepare<[string, string], Received>(
    `SELECT id, json_extract(request, '$.encodedBytes') AS bytes, finishedAt AS at,
       json_extract(request, '$.chunkCount') AS chunks FROM uploads
     WHERE agent = ? AND kind = ? AND status = 200 ORDER BY rowid DESC`,
  );
  const touch = db.prepare<[number, string]>('UPDATE uploads SET lastAt = ? WHERE id = ?');
  const trim = db.prepare<[string, number]>(
    `DELETE FROM uploads WHERE id IN
       (SELECT id FROM uploads WHERE agent = ? AND status IS NOT NULL
          AND (kind <> 'logs' OR status <> 200)
        ORDER BY finishedAt DESC, rowid DESC LIMIT -1 OFFSET ?)`,
  );
  const ids = db.prepare<[], { id: string }>('SELECT id FROM uploads');
  const finish = db.prepare<[number, string, number, string]>(
    'UPDATE uploads SET status = ?, reply = ?, finishedAt = ? WHERE id = ?',
  );
  const remove = db.prepare<[string]>('DELETE FROM uploads WHERE id = ?');
  const addChunk = db.prepare<[string, number, string]>(
    'INSERT OR IGNORE INTO chunks (upload, n, sha256) VALUES (?, ?, ?)',
  );
  const chunk = db.prepare<[string, number], { sha256: string }>(
    'SELECT sha256 FROM chunks WHERE upload = ? AND n = ?',
  );
  const held = db.prepare<[string], { n: number }>('SELECT n FROM chunks WHERE upload = ? ORDER BY n');
  const dropChunks = db.prepare<[string]>('DELETE FROM chunks WHERE upload = ?');
  return {
    add: (id: string, agent: string, request: OpenUploadRequest, now: number): void =>
      void add.run(id, agent, request.kind, request.type ?? null, toJson(request), now, now),
    get(id: string): Upload | undefined {
      const row = get.get(id);
      return row === undefined ? undefined : uploadOf(row);
    },
    /** Open uploads of an agent, the oldest first. */
    open: (agent: string): Upload[] => open.all(agent).map(uploadOf),
    /** Open uploads of which nothing came since `lastBefore`, and finished ones whose answer needs no keeping, both ms. */
    stale: (lastBefore: number, finishedBefore: number): string[] =>
      stale.all(lastBefore, finishedBefore).map((row) => row.id),
    /** Payloads of a kind that were stored as received, the newest first. */
    received: (agent: string, kind: string) => received.all(agent, kind),
    ids: (): string[] => ids.all().map((row) => row.id),
    finish: (id: string, status: number, reply: unknown, now: number): void =>
      void finish.run(status, toJson(reply), now, id),
    /** Forgets how uploads of an agent ended, but for the newest `kept`; stored payloads are not among them. */
    trimFinished: (agent: string, kept: number): void => void trim.run(agent, kept),
    remove: (id: string): void => void remove.run(id),
    addChunk(id: string, n: number, sha256: string, now: number): void {
      addChunk.run(id, n, sha256);
      touch.run(now, id);
    },
    chunk: (id: string, n: number): string | undefined => chunk.get(id, n)?.sha256,
    held: (id: string): number[] => held.all(id).map((row) => row.n),
    dropChunks: (id: string): void => void dropChunks.run(id),
  };
}
