import { type Item } from '../../shared/rows.ts';
import { MAX_LINE } from '../../wire/delta-body.ts';
import { type Change } from '../../wire/delta.ts';
import { tableOfKey } from '../../wire/item.ts';
import { integer, optional, text } from './columns.ts';
import { pages } from './pages.ts';
import { type Sql, type Statement } from './sql.ts';

/** Room on a line for what stands around key and row, their escapes included, in characters. */
const LINE_SLACK = 1_024;

/** What a seal makes, outside the lasting tables: gone with the connection, hence after a crash. */
const TEMPORARY_TABLES = `
  CREATE TABLE temp.sealed_changes (key TEXT PRIMARY KEY, row TEXT, hash TEXT) WITHOUT ROWID;
  CREATE TABLE temp.sealed_body (n INTEGER PRIMARY KEY, bytes BLOB NOT NULL);
`;

/** A collection that the last run of the agent did not end, up to the last part that was noted. */
export interface Interrupted {
  readonly type: string;
  readonly part: number;
  /** What was noted with that part, as it was given. */
  readonly noted: unknown;
}

/** The items of a running collection, which last, and what is made of them, in temporary tables on disk. */
export class StagingTables {
  readonly #sql: Sql;
  readonly #addItem: Statement;
  readonly #dropPart: Statement;
  readonly #note: Statement;
  readonly #scan: Statement;
  readonly #dropFrom: Statement;
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
      'INSERT INTO main.staged (key, row, hash, part) VALUES (?, ?, ?, ?) ON CONFLICT (key) DO NOTHING',
    );
    this.#dropPart = sql.prepare('DELETE FROM main.staged WHERE part = ?');
    this.#note = sql.prepare(
      `INSERT INTO main.staged_scan (one, type, part, noted) VALUES (1, ?, ?, ?)
       ON CONFLICT (one) DO UPDATE SET type = excluded.type, part = excluded.part, noted = excluded.noted`,
    );
    this.#scan = sql.prepare('SELECT type, part, noted FROM main.staged_scan');
    this.#dropFrom = sql.prepare('DELETE FROM main.staged WHERE part >= ?');
    this.#items = sql.prepare('SELECT key, row, hash FROM main.staged WHERE key > ? ORDER BY key LIMIT ?');
    this.#keys = sql.prepare('SELECT key FROM main.staged WHERE key > ? ORDER BY key LIMIT ?');
    this.#counts = sql.prepare(
      `SELECT substr(key, 1, instr(key, char(31))) AS head, COUNT(*) AS rows FROM main.staged GROUP BY head`,
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
    this.#clear = ['main.staged', 'main.staged_scan', 'temp.sealed_changes', 'temp.sealed_body'].map(
      (table) => sql.prepare(`DELETE FROM ${table}`),
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

  /** Notes that the parts below this one are complete, durably; `noted` is JSON. */
  note(type: string, part: number, noted: unknown): void {
    this.#note.run(type, part, JSON.stringify(noted));
  }

  /** What was noted last, if anything was. */
  interrupted(): Interrupted | undefined {
    const row = this.#scan.get();
    if (row === undefined) return undefined;
    return { type: text(row, 'type'), part: integer(row, 'part'), noted: jsonOf(text(row, 'noted')) };
  }

  isEmpty(): boolean {
    return this.#keys.get('', 1) === undefined;
  }

  /** Takes out the items of this part and of later ones. */
  dropFrom(part: number): void {
    this.#dropFrom.run(part);
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

  /** Forgets everything, in one transaction. */
  clear(): void {
    this.#sql.transaction(() => {
      for (const statement of this.#clear) statement.run();
    });
  }
}

function jsonOf(json: string): unknown {
  try {
    return JSON.parse(json) as unknown;
  } catch {
    return undefined;
  }
}
