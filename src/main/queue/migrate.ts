import { integer, text } from './columns.ts';
import { MIGRATIONS, SCHEMA_VERSION } from './schema.ts';
import { type Sql } from './sql.ts';
import { StoreError } from './store-error.ts';

/**
 * The file's application id: 'WA' and the version once more. Version and id must agree, so that a damaged header
 * is told from a file that a newer Wayfarer wrote.
 */
const applicationId = (version: number): number => 0x57410000 + version;

/**
 * Version of the file, 0 for an empty one. Reads only. Throws `StoreError`: `CORRUPT` when the header is damaged or
 * belongs to some other program, `REFUSED` when a newer version wrote it.
 */
export function versionOf(sql: Sql): number {
  const version = pragma(sql, 'user_version');
  const id = pragma(sql, 'application_id');
  if (version === 0 && id === 0 && schemaOf(sql).length === 0) return 0;
  if (version < 1 || id !== applicationId(version)) {
    throw new StoreError('CORRUPT', `${sql.path}: not a Wayfarer database, or its header is damaged`);
  }
  if (version > SCHEMA_VERSION) {
    throw new StoreError(
      'REFUSED',
      `${sql.path} was written by a newer version (format ${version}, this one knows ${SCHEMA_VERSION}): ` +
        'install that version again or move the file away',
    );
  }
  return version;
}

/** Brings the file to `SCHEMA_VERSION`, one transaction per step: a crash leaves it at a whole version. */
export function migrate(sql: Sql): void {
  for (let version = versionOf(sql); version < SCHEMA_VERSION; version += 1) {
    sql.transaction(() => {
      sql.exec(MIGRATIONS[version] ?? '');
      sql.exec(`PRAGMA user_version = ${version + 1}`);
      sql.exec(`PRAGMA application_id = ${applicationId(version + 1)}`);
    });
  }
}

/** The definitions in a database, in a form to compare: a damaged one differs from that of a new file. */
export function schemaOf(sql: Sql): string[] {
  const rows = sql
    .prepare(`SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name`)
    .all();
  return rows.map((row) => ['type', 'name', 'tbl_name', 'sql'].map((column) => text(row, column)).join('\n'));
}

function pragma(sql: Sql, name: string): number {
  return integer(sql.prepare(`PRAGMA ${name}`).get() ?? {}, name);
}
