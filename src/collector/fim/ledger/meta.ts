import type { DatabaseSync, StatementSync } from 'node:sqlite';

/** Single values of the ledger, by name. */
export class Meta {
  readonly #get: StatementSync;
  readonly #set: StatementSync;

  constructor(db: DatabaseSync) {
    this.#get = db.prepare('SELECT value FROM meta WHERE key = ?');
    this.#set = db.prepare('INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)');
  }

  get(key: string): string | undefined {
    const value = this.#get.get(key)?.['value'];
    return typeof value === 'string' ? value : undefined;
  }

  set(key: string, value: string): void {
    this.#set.run(key, value);
  }

  number(key: string): number | undefined {
    const value = Number(this.get(key) ?? NaN);
    return Number.isFinite(value) ? value : undefined;
  }
}
