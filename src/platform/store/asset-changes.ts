import type { Row } from '../../shared/rows.ts';
import { tableOfKey } from '../../wire/item.ts';
import { PACKAGE_TABLES, SETTING_TABLES, type AssetChange, type RowChange } from '../changes/describe.ts';
import { fromJson, type Db } from './database.ts';

/** A change of an asset on record: when it was committed, with which manifest type and sequence number. */
export interface AssetChangeRecord extends AssetChange {
  readonly at: number;
  readonly type: string;
  readonly seq: number;
}

/** Newest changes kept per agent, and rows of one commit that are looked at. */
const KEPT_PER_AGENT = 5_000;
const ROWS_PER_COMMIT = 10_000;

/**
 * The type whose snapshots tell of packages. Others hold the same tables, and would tell everything again; this one every agent
 * has.
 */
const PACKAGES_OF = 'Inventory';

interface Applied {
  readonly upload: string;
  readonly base: number;
  readonly whole: 0 | 1;
}
interface ChangedRow {
  readonly key: string;
  readonly before: string | null;
  readonly after: string | null;
}

const TABLE = 'substr(key, 1, instr(key, char(31)) - 1)';
const named = (tables: readonly string[]): string => tables.map((name) => `'${name}'`).join(', ');

/** Change events of assets. To be called inside the transaction of a commit, before it is applied. */
export function assetChangeStore(db: Db) {
  const changed = (tables: readonly string[]) =>
    db.prepare<[Applied], ChangedRow>(
      `SELECT s.key, b.row AS before, s.row AS after
       FROM (SELECT key, row, hash FROM staged WHERE upload = @upload AND ${TABLE} IN (${named(tables)})) s
       LEFT JOIN snapshot_items b ON b.snapshot = @base AND b.key = s.key WHERE b.hash IS NOT s.hash
       UNION ALL
       SELECT key, row, NULL FROM snapshot_items
       WHERE @whole = 1 AND snapshot = @base AND ${TABLE} IN (${named(tables)})
         AND NOT EXISTS (SELECT 1 FROM staged WHERE upload = @upload AND staged.key = snapshot_items.key)
       ORDER BY 1 LIMIT ${ROWS_PER_COMMIT}`,
    );
  const settings = changed(SETTING_TABLES);
  const all = changed([...PACKAGE_TABLES, ...SETTING_TABLES]);
  const add = db.prepare<[AssetChangeRecord & { agent: string }]>(
    `INSERT INTO asset_changes (agent, at, type, seq, event, source, subject, before, after)
     VALUES (@agent, @at, @type, @seq, @event, @source, @subject, @before, @after)`,
  );
  const trim = db.prepare<[string, string, number]>(
    `DELETE FROM asset_changes WHERE agent = ? AND id <=
       (SELECT id FROM asset_changes WHERE agent = ? ORDER BY id DESC LIMIT 1 OFFSET ?)`,
  );
  const list = db.prepare<[string, number], AssetChangeRecord>(
    `SELECT at, type, seq, event, source, subject, before, after FROM asset_changes
     WHERE agent = ? ORDER BY id DESC LIMIT ?`,
  );
  const rowOf = (text: string | null): Row | undefined =>
    text === null ? undefined : (fromJson(text) as Row);
  return {
    /** Rows of packages and settings that a staged upload changes against a base; of `whole` ones also those that it has not. */
    changedRows(upload: string, base: number, type: string, whole: boolean): RowChange[] {
      const rows = (type === PACKAGES_OF ? all : settings).all({ upload, base, whole: whole ? 1 : 0 });
      return rows.map(({ key, before, after }) => ({
        table: tableOfKey(key),
        before: rowOf(before),
        after: rowOf(after),
      }));
    },
    add(agent: string, changes: readonly AssetChangeRecord[]): void {
      for (const change of changes) add.run({ agent, ...change });
      if (changes.length > 0) trim.run(agent, agent, KEPT_PER_AGENT);
    },
    /** Changes of an agent's host, the newest first. */
    list: (agent: string, limit = 100): AssetChangeRecord[] => list.all(agent, limit),
  };
}
