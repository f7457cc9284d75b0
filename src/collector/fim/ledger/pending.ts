import type { DatabaseSync, StatementSync } from 'node:sqlite';

/** How urgent: what a moved directory holds, what a vanished one held, what was heard of live, walks. */
export const LANE = { moved: 0, gone: 1, live: 2, walk: 3, secondWalk: 4 } as const;

export const PENDING_KINDS = ['directory', 'look', 'gone', 'purge'] as const;
/**
 * `directory`: the entries of a directory are compared. `look`: one path is. `gone`: everything known at or below a path is
 * looked for. `purge`: what no rule names any more is forgotten.
 */
export type PendingKind = (typeof PENDING_KINDS)[number];

/** A piece of work that outlives the process. `path` is encoded; `cause` is JSON of whoever put it there. */
export interface Pending {
  readonly seq: number;
  readonly lane: number;
  readonly kind: PendingKind;
  readonly path: string;
  readonly cause: string;
}

/** What is still to be looked at: the cursor of every walk. All calls work in the open transaction. */
export class PendingWork {
  readonly #add: StatementSync;
  readonly #find: StatementSync;
  readonly #has: StatementSync;
  readonly #next: StatementSync;
  readonly #ripen: StatementSync;
  readonly #ripe: StatementSync;
  readonly #due: StatementSync;
  readonly #remove: StatementSync;
  readonly #any: StatementSync;

  constructor(db: DatabaseSync) {
    this.#add = db.prepare(
      `INSERT INTO pending (lane, due, kind, path, cause) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (kind, path, lane) DO UPDATE SET due = excluded.due, cause = excluded.cause,
         seq = (SELECT max(seq) + 1 FROM pending)`,
    );
    this.#find = db.prepare('SELECT cause FROM pending WHERE kind = ? AND path = ? AND lane = ?');
    this.#has = db.prepare('SELECT 1 FROM pending WHERE kind = ? AND path = ?');
    this.#next = db.prepare(
      'SELECT * FROM pending WHERE due = 0 AND lane BETWEEN ? AND ? ORDER BY lane, seq DESC LIMIT 1',
    );
    this.#ripen = db.prepare('UPDATE pending SET due = 0 WHERE due > 0 AND due <= ?');
    this.#ripe = db.prepare('SELECT 1 FROM pending WHERE due = 0 LIMIT 1');
    this.#due = db.prepare('SELECT min(due) AS due FROM pending WHERE due > 0');
    this.#remove = db.prepare('DELETE FROM pending WHERE seq = ?');
    this.#any = db.prepare('SELECT 1 FROM pending WHERE lane >= ? LIMIT 1');
  }

  /**
   * Puts work in its lane. The same once more takes the newer cause and another number, so that whoever is at it does not
   * strike it off. `due` is ms since the epoch, 0 for at once.
   */
  add(work: Omit<Pending, 'seq'> & { readonly due: number }): void {
    this.#add.run(work.lane, Math.round(work.due), work.kind, work.path, work.cause);
  }

  /** The cause of work that is there already. */
  causeOf(kind: PendingKind, path: string, lane: number): string | undefined {
    const cause = this.#find.get(kind, path, lane)?.['cause'];
    return typeof cause === 'string' ? cause : undefined;
  }

  /** Whether such work is there in any lane. */
  has(kind: PendingKind, path: string): boolean {
    return this.#has.get(kind, path) !== undefined;
  }

  /** What is to be done next at this time, of the lanes from one to another. */
  next(now: number, from: number, to: number): Pending | undefined {
    this.#ripen.run(Math.round(now));
    const found = this.#next.get(from, to);
    if (found === undefined) return undefined;
    return {
      seq: Number(found['seq']),
      lane: Number(found['lane']),
      kind: PENDING_KINDS.find((kind) => kind === found['kind']) ?? 'look',
      path: String(found['path']),
      cause: String(found['cause']),
    };
  }

  /** When the next work is due, ms since the epoch, 0 for at once; `undefined` if there is none. */
  dueAt(): number | undefined {
    if (this.#ripe.get() !== undefined) return 0;
    const due = this.#due.get()?.['due'];
    return typeof due === 'number' ? due : undefined;
  }

  remove(seq: number): void {
    this.#remove.run(seq);
  }

  /** Whether work of this lane or a less urgent one is left. */
  hasFrom(lane: number): boolean {
    return this.#any.get(lane) !== undefined;
  }
}
