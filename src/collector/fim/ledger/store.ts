import type { DatabaseSync } from 'node:sqlite';
import type { FimRule } from '../../../shared/file-integrity.ts';
import type { Os } from '../../table.ts';
import { coverOf } from '../rule-cover.ts';
import { Baseline } from './baseline.ts';
import { closeQuietly, openDatabase } from './database.ts';
import { Meta } from './meta.ts';
import { PendingWork } from './pending.ts';
import { Spool } from './spool.ts';
import { faultOf } from './unavailable.ts';

export interface StoreOptions {
  /** Path of the database file. */
  readonly file: string;
  readonly os: Os;
  /** Ms since the epoch. */
  readonly now: () => number;
  /** A new random UUID in lower case. */
  readonly newId: () => string;
  /** The file is known to be damaged, whatever it looks like. */
  readonly mustSetAside?: boolean;
}

/** Where the agent's own directories are kept. */
const OWN = 'own';

/**
 * The ledger's file: baseline, spool, chain heads and what is still to be looked at. Everything that is written between two
 * commits is one transaction.
 *
 * Invariants: a row of the baseline and the events that tell how it came to be so are in the same transaction; a chain has
 * no gap and no fork; work leaves `pending` in the transaction that holds what came of it.
 */
export class LedgerStore {
  readonly baseline: Baseline;
  readonly pending: PendingWork;
  readonly spool: Spool;
  readonly meta: Meta;
  /** Where a damaged ledger before this one was moved to. */
  readonly setAside: string | undefined;
  readonly #db: DatabaseSync;

  /** Opens or makes the file. Throws `LedgerError`: `STOPPED`, `REFUSED`. */
  constructor({ file, os, now, newId, mustSetAside = false }: StoreOptions) {
    const { db, setAside } = openDatabase(file, now(), mustSetAside);
    this.#db = db;
    this.setAside = setAside;
    this.meta = new Meta(db);
    this.baseline = new Baseline(db, os);
    this.pending = new PendingWork(db);
    this.spool = new Spool(db, this.meta, newId);
  }

  get inTransaction(): boolean {
    return this.#db.isOpen && this.#db.isTransaction;
  }

  /** Starts a transaction unless one is open. Throws `LedgerError`. */
  begin(): void {
    if (!this.inTransaction) this.#guarded('BEGIN IMMEDIATE');
  }

  /** Makes everything since `begin` durable. Throws `LedgerError`; nothing of it is kept then. */
  commit(): void {
    if (this.inTransaction) this.#guarded('COMMIT');
  }

  /** Undoes what is not durable. */
  close(): void {
    closeQuietly(this.#db);
  }

  /**
   * Makes the rules known. A rule that is new, or covers something else than before, is not established until a walk that
   * began after this is over. Returns whether anything differs from the rules before.
   */
  setRules(rules: readonly FimRule[], own: readonly string[]): boolean {
    const isOwnChanged = this.meta.get(OWN) !== JSON.stringify(own);
    this.meta.set(OWN, JSON.stringify(own));
    const before = new Map(
      this.#db
        .prepare('SELECT id, covers FROM rules')
        .all()
        .map((row) => [String(row['id']), String(row['covers'])]),
    );
    const put = this.#db.prepare('INSERT OR REPLACE INTO rules (id, covers, established) VALUES (?, ?, 0)');
    const remove = this.#db.prepare('DELETE FROM rules WHERE id = ?');
    const changed = rules.filter((rule) => before.get(rule.id) !== coverOf(rule));
    for (const rule of changed) put.run(rule.id, coverOf(rule));
    const kept = new Set(rules.map(({ id }) => id));
    const gone = [...before.keys()].filter((id) => !kept.has(id));
    for (const id of gone) remove.run(id);
    return isOwnChanged || changed.length + gone.length > 0;
  }

  /** Ids of the rules whose first walk is over. */
  established(): Set<string> {
    const rows = this.#db.prepare('SELECT id FROM rules WHERE established = 1').all();
    return new Set(rows.map((row) => String(row['id'])));
  }

  /** The walk of all rules is over. */
  establishAll(): void {
    this.#db.exec('UPDATE rules SET established = 1');
  }

  #guarded(sql: string): void {
    try {
      this.#db.exec(sql);
    } catch (error) {
      throw faultOf(error);
    }
  }
}
