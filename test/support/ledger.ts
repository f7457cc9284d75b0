import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { STORE_FILE } from '../../src/main/queue/open.ts';
import type { ManifestType } from '../../src/shared/modules.ts';
import { EMPTY_ROOT, RootHasher, itemHash } from '../../src/wire/item.ts';

/** One side's copy of one type: what it says, and what its rows give when every hash is made again. */
export interface Copy {
  readonly seq: number;
  readonly root: string;
  readonly recomputed: string;
}
export type Copies = Partial<Record<ManifestType, Copy>>;

interface Head {
  readonly type: ManifestType;
  readonly seq: number;
  readonly root: string;
}
interface StoredRow {
  readonly key: string;
  readonly row: string;
}

function recompute(rows: Iterable<StoredRow>): string {
  const hasher = new RootHasher();
  let count = 0;
  for (const { key, row } of rows) {
    hasher.add(itemHash(key, row));
    count += 1;
  }
  return count === 0 ? EMPTY_ROOT : hasher.digest();
}

/** What the agent holds, from its database; the agent may run. */
export function agentCopies(dataDir: string): Copies {
  return reading(join(dataDir, STORE_FILE), (db) => {
    const rows = db.prepare<[string], StoredRow>(
      'SELECT key, row FROM snapshot_items WHERE type = ? ORDER BY key',
    );
    const heads = db.prepare<[], Head>('SELECT type, seq, root FROM sync_state').all();
    return Object.fromEntries(
      heads.map(({ type, seq, root }) => [type, { seq, root, recomputed: recompute(rows.iterate(type)) }]),
    );
  });
}

/** What the platform holds of its agents, of which there must be one; the platform may run. */
export function platformCopies(platformDir: string): Copies {
  return reading(join(platformDir, 'platform.db'), (db) => {
    const rows = db.prepare<[number], StoredRow>(
      'SELECT key, row FROM snapshot_items WHERE snapshot = ? ORDER BY key',
    );
    const heads = db.prepare<[], Head & { id: number }>('SELECT id, type, seq, root FROM snapshots').all();
    return Object.fromEntries(
      heads.map(({ id, type, seq, root }) => [type, { seq, root, recomputed: recompute(rows.iterate(id)) }]),
    );
  });
}

/** `name version architecture status` of every row of table `deb` that the platform holds of a type, sorted. */
export function platformPackages(platformDir: string, type: ManifestType): string[] {
  return reading(join(platformDir, 'platform.db'), (db) =>
    db
      .prepare<[string, string, string], { line: string }>(
        `SELECT i.row ->> 'name' || ' ' || (i.row ->> 'version') || ' ' || (i.row ->> 'arch') || ' ' ||
           (i.row ->> 'status') AS line
         FROM snapshot_items i JOIN snapshots s ON s.id = i.snapshot
         WHERE s.type = ? AND i.key >= ? AND i.key < ?`,
      )
      .all(type, 'deb\u001f', 'deb\u0020')
      .map(({ line }) => line)
      .sort(),
  );
}

export interface CommitEntry {
  readonly type: string;
  readonly seq: number;
  readonly kind: 'snapshot' | 'delta';
  readonly at: number;
}

/** What the platform wrote down: agents, commits in their order, commands, activity records. */
export interface PlatformLedger {
  readonly agents: readonly string[];
  readonly commits: readonly CommitEntry[];
  /** Commands with the number of acknowledgements that arrived for each. */
  readonly commands: readonly { id: string; type: string; result: string | null; acknowledgements: number }[];
  /** Activities with how often each stands there. */
  readonly activities: readonly { activity: string; detail: string | null; times: number }[];
  /** Uploads by how they ended; `null`: still open. */
  readonly uploads: readonly { status: number | null; count: number }[];
}

export function platformLedger(platformDir: string): PlatformLedger {
  return reading(join(platformDir, 'platform.db'), (db) => ({
    agents: db
      .prepare<[], { id: string }>('SELECT id FROM agents')
      .all()
      .map(({ id }) => id),
    commits: db.prepare<[], CommitEntry>('SELECT type, seq, kind, at FROM commits ORDER BY id').all(),
    commands: db
      .prepare<[], PlatformLedger['commands'][number]>(
        `SELECT c.id, c.type, c.result,
           (SELECT count(*) FROM records r WHERE r.kind = 'command' AND r.record ->> 'commandId' = c.id)
             AS acknowledgements
         FROM commands c`,
      )
      .all(),
    activities: db
      .prepare<[], PlatformLedger['activities'][number]>(
        'SELECT activity, detail, count(*) AS times FROM activities GROUP BY activity, detail',
      )
      .all(),
    uploads: db
      .prepare<[], PlatformLedger['uploads'][number]>(
        'SELECT status, count(*) AS count FROM uploads GROUP BY status',
      )
      .all(),
  }));
}

/** Commits of a type whose sequence did not grow; a first transfer begins a new one. */
export function backwardCommits(commits: readonly CommitEntry[]): CommitEntry[] {
  const last = new Map<string, number>();
  return commits.filter(({ type, seq, kind }) => {
    const before = last.get(type);
    last.set(type, seq);
    return before !== undefined && kind === 'delta' && seq <= before;
  });
}

/** First transfers after the first of each type: each stands for a copy that was dropped. */
export function restarts(commits: readonly CommitEntry[]): CommitEntry[] {
  const seen = new Set<string>();
  return commits.filter(({ type, kind }) => {
    const again = kind === 'snapshot' && seen.has(type);
    seen.add(type);
    return again;
  });
}

/** Processes that run with this root in their environment (proc_pid_environ(5)); Linux only. */
export function processesOf(root: string): number[] {
  const wanted = `WAYFARER_ROOT=${root}\0`;
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== process.pid && environmentOf(pid).includes(wanted));
}

function environmentOf(pid: number): string {
  try {
    return `${readFileSync(`/proc/${String(pid)}/environ`, 'latin1')}\0`;
  } catch {
    return ''; // It has ended, or belongs to someone else.
  }
}

function reading<T>(file: string, read: (db: Database.Database) => T): T {
  const db = new Database(file, { readonly: true, timeout: 10_000 });
  try {
    return db.transaction(() => read(db))();
  } finally {
    db.close();
  }
}
