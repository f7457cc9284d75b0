import { type Item } from '../../shared/rows.ts';
import { MAX_LINE } from '../../wire/delta-body.ts';
import { type Change } from '../../wire/delta.ts';
import { tableOfKey } from '../../wire/item.ts';
import { integer, optional, text } from './columns.ts';
import { pages } from './pages.ts';
import { type Sql, type Statement } from './sql.ts';

/** Room on a line for what stands around key and row, their escapes included, in characters. */
const LINE_SLACK = 1_024;

/** What a seal works on and leaves behind, outside the lasting tables: gone with the connection, hence after a crash. */
const TEMPORARY_TABLES = `
  CREATE TABLE temp.staged (
    key TEXT PRIMARY KEY, row TEXT NOT NULL, hash TEXT NOT NULL, part INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE TABLE temp.sealed_changes (key TEXT PRIMARY KEY, row TEXT, hash TEXT) WITHOUT ROWID;
  CREATE TABLE temp.sealed_body (n INTEGER PRIMARY KEY, bytes BLOB NOT NULL);
`;

/** The items of a running collection and what is made of them, in temporary tables on disk. */
export class StagingTables {
  readonly #sql: Sql;
  readonly #addItem: Statement;
  readonly #dropPart: Statement;
  readonly #items: Statement;
  readonly #keys: Statement;
  readonly #counts: Statement;
  readonly #addChange: Statement;
  readonly #changes: Statement;
  readonly #addSegment: Statement;
  readonly #keepChanges: Statement;
  readonly #keepBody: Statement;
  readonly #clear: readonly Statement[];

  constructor(sql: Sql) {
    sql.exec(TEMPORARY_TABLES);
    this.#sql = sql;
    this.#addItem = sql.prepare(
      'INSERT INTO temp.staged (key, row, hash, part) VALUES (?, ?, ?, ?) ON CONFLICT (key) DO NOTHING',
    );
    this.#dropPart = sql.prepare('DELETE FROM temp.staged WHERE part = ?');
    this.#items = sql.prepare('SELECT key, row, hash FROM temp.staged WHERE key > ? ORDER BY key LIMIT ?');
    this.#keys = sql.prepare('SELECT key FROM temp.staged WHERE key > ? ORDER BY key LIMIT ?');
    this.#counts = sql.prepare(
      `SELECT substr(key, 1, instr(key, char(31))) AS head, COUNT(*) AS rows FROM temp.staged GROUP BY head`,
    );
    this.#addChange = sql.prepare('INSERT INTO temp.sealed_changes (key, row, hash) VALUES (?, ?, ?)');
    this.#changes = sql.prepare(
      'SELECT key, row, hash FROM temp.sealed_changes WHERE key > ? ORDER BY key LIMIT ?',
    );
    this.#addSegment = sql.prepare('INSERT INTO temp.sealed_body (n, bytes) VALUES (?, ?)');
    this.#keepChanges = sql.prepare(
      'INSERT INTO main.pending_changes (key, row, hash) SELECT key, row, hash FROM temp.sealed_changes',
    );
    this.#keepBody = sql.prepare(
      'INSERT INTO main.pending_body (n, bytes) SELECT n, bytes FROM temp.sealed_body',
    );
    this.#clear = ['staged', 'sealed_changes', 'sealed_body'].map((table) =>
      sql.prepare(`DELETE FROM temp.${table}`),
    );
  }

  /** `part` says which items go together: see `dropPart`. */
  addItems(items: readonly Item[], part: number): void {
    for (const { key, row } of items) {
      if (key === '' || 2 * key.length + row.length + LINE_SLACK > MAX_LINE) {
        throw new RangeError(`a row of table ${tableOfKey(key)} has ${row.length} characters`);
      }
    }
    this.#sql.transaction(() => {
      for (const { key, row, hash } of items) this.#addItem.run(key, row, hash, part);
    });
  }

  /** Takes the items of one part out again. */
  dropPart(part: number): void {
    this.#dropPart.run(part);
  }

  /** In key order. */
  *items(): Generator<Item, void, undefined> {
    for (const row of pages(this.#items, 'key', '')) {
      yield { key: text(row, 'key'), row: text(row, 'row'), hash: text(row, 'hash') };
    }
  }

  /** In their order. */
  *keys(): Generator<string, void, undefined> {
    for (const row of pages(this.#keys, 'key', '')) yield text(row, 'key');
  }

  counts(): Record<string, number> {
    return Object.fromEntries(
      this.#counts.all().map((row) => [tableOfKey(text(row, 'head')), integer(row, 'rows')]),
    );
  }

  addChanges(changes: readonly Change[]): void {
    this.#sql.transaction(() => {
      for (const change of changes) {
        if ('set' in change) this.#addChange.run(change.set.key, change.set.row, change.set.hash);
        else this.#addChange.run(change.del, null, null);
      }
    });
  }

  /** In key order. */
  *changes(): Generator<Change, void, undefined> {
    for (const row of pages(this.#changes, 'key', '')) {
      const key = text(row, 'key');
      const canonical = optional(text, row, 'row');
      yield canonical === undefined
        ? { del: key }
        : { set: { key, row: canonical, hash: text(row, 'hash') } };
    }
  }

  addSegment(n: number, segment: Buffer): void {
    this.#addSegment.run(n, segment);
  }

  /** Copies changes and body to the lasting tables; to be called inside a transaction. */
  keep(): void {
    this.#keepChanges.run();
    this.#keepBody.run();
  }

  clear(): void {
    for (const statement of this.#clear) statement.run();
  }
}
