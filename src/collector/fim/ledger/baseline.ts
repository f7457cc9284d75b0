import type { DatabaseSync, SQLOutputValue, StatementSync } from 'node:sqlite';
import type { Os } from '../../table.ts';
import { joinPath, separatorOf, splitPath } from './host-path.ts';
import { typeNumber, typeOfNumber, type Row } from './row.ts';

/** Rows given at a time where there may be any number. */
const PAGE = 500;
/** Numbers of directories kept in memory; files come directory by directory. */
const KNOWN_DIRECTORIES = 512;

const COLUMNS =
  'type, device, inode, born, size, mode, uid, gid, modified, changed, sha256, unhashed, target, acl, xattrs, racy';
const MARKS = COLUMNS.split(',')
  .map(() => '?')
  .join(', ');

/** A result row as an array: an object for each of a hundred thousand would take twice the time. */
type Cells = readonly SQLOutputValue[];

/** A row and the path that it stands at, encoded. */
export interface Located {
  readonly path: string;
  readonly row: Row;
}

/** The table of what every watched file was when it was last looked at. Paths are encoded. All calls work in the open transaction. */
export class Baseline {
  readonly #os: Os;
  readonly #statements: ReturnType<typeof prepare>;
  readonly #directories = new Map<string, bigint>();
  #entries: number;
  #version = 0;

  constructor(db: DatabaseSync, os: Os) {
    this.#os = os;
    this.#statements = prepare(db);
    this.#entries = Number(this.#statements.count.get()?.['count'] ?? 0);
  }

  /** How many files are known. */
  get entries(): number {
    return this.#entries;
  }

  /** Grows with every change: whoever keeps rows between two steps sees whether they still hold. */
  get version(): number {
    return this.#version;
  }

  get(path: string): Row | undefined {
    const { parent, name } = splitPath(path, this.#os);
    const directory = this.#directory(parent);
    if (directory === undefined) return undefined;
    const values = this.#statements.get.get(directory, name) as unknown as Cells | undefined;
    return values === undefined ? undefined : rowOf(values, 0);
  }

  put(path: string, row: Row): void {
    const { parent, name } = splitPath(path, this.#os);
    const directory = this.#directory(parent) ?? this.#addDirectory(parent);
    const isNew = this.#statements.get.get(directory, name) === undefined;
    this.#statements.put.run(directory, name, ...valuesOf(row));
    if (isNew) this.#entries += 1;
    this.#version += 1;
  }

  /** As `put`, for a path that is known to have no row. */
  add(path: string, row: Row): void {
    const { parent, name } = splitPath(path, this.#os);
    const directory = this.#directory(parent) ?? this.#addDirectory(parent);
    this.#statements.put.run(directory, name, ...valuesOf(row));
    this.#entries += 1;
    this.#version += 1;
  }

  /** Forgets a path and its text. */
  remove(path: string): void {
    const { parent, name } = splitPath(path, this.#os);
    const directory = this.#directory(parent);
    if (directory === undefined) return;
    const { changes } = this.#statements.remove.run(directory, name);
    this.#statements.removeText.run(directory, name);
    this.#entries -= Number(changes);
    this.#version += 1;
  }

  /** The entries of a directory by name, encoded. */
  children(path: string): Map<string, Row> {
    const directory = this.#directory(path);
    const found = new Map<string, Row>();
    if (directory === undefined) return found;
    for (const values of this.#statements.children.iterate(
      directory,
    ) as Iterable<unknown> as Iterable<Cells>) {
      const name = String(values[0]);
      if (name !== '') found.set(name, rowOf(values, 1));
    }
    return found;
  }

  /** Up to 500 names of a directory's entries after one, in order. */
  namesAfter(path: string, name: string): string[] {
    const directory = this.#directory(path);
    if (directory === undefined) return [];
    return this.#statements.namesAfter.all(directory, name, PAGE).map((values) => String(values['name']));
  }

  /** Paths that had this inode number, on whatever device; at most 500. */
  byInode(inode: bigint): Located[] {
    // Most new files have an inode that nobody had before, and to prepare all columns takes longer than to find none.
    if (this.#statements.hasInode.get(inode) === undefined) return [];
    return (this.#statements.byInode.all(inode, PAGE) as unknown as Cells[]).map((values) => ({
      path: joinPath(String(values[0]), String(values[1]), this.#os),
      row: rowOf(values, 2),
    }));
  }

  /** Up to 500 paths below a directory after one (empty to begin with), in the order of directory and name. */
  below(path: string, after: string): string[] {
    const separator = separatorOf(this.#os);
    const prefix = path.endsWith(separator) ? path : path + separator;
    const end = prefix.slice(0, -1) + String.fromCharCode(separator.charCodeAt(0) + 1);
    const last = after === '' ? { parent: path, name: '' } : splitPath(after, this.#os);
    // What sorts between a directory and what is below it is not below it: `/a.b` between `/a` and `/a/b`.
    const own = last.parent === path && prefix !== path ? this.#below(path, `${path}\u0000`, last.name) : [];
    if (own.length > 0) return own;
    if (prefix === path) return this.#below(last.parent, end, last.name);
    return last.parent === path ? this.#below(prefix, end, '') : this.#below(last.parent, end, last.name);
  }

  #below(from: string, end: string, name: string): string[] {
    return this.#statements.below
      .all(from, end, name, PAGE)
      .map((values) => joinPath(String(values['path']), String(values['name']), this.#os));
  }

  /** Up to 500 paths of the whole baseline after one (empty to begin with), and whether each is a directory. */
  page(after: string): { readonly path: string; readonly isDirectory: boolean }[] {
    const last = after === '' ? { parent: '', name: '' } : splitPath(after, this.#os);
    return this.#statements.page.all(last.parent, last.name, PAGE).map((values) => ({
      path: joinPath(String(values['path']), String(values['name']), this.#os),
      isDirectory: typeOfNumber(Number(values['type'])) === 'dir',
    }));
  }

  /** Whether anything is known below a directory. */
  hasBelow(path: string): boolean {
    return this.below(path, '').length > 0;
  }

  text(path: string): Uint8Array | undefined {
    const { parent, name } = splitPath(path, this.#os);
    const directory = this.#directory(parent);
    if (directory === undefined) return undefined;
    const text = this.#statements.text.get(directory, name)?.['text'];
    return text instanceof Uint8Array ? text : undefined;
  }

  /** Keeps the compressed text of a path that has a row; `undefined` forgets it. */
  putText(path: string, text: Uint8Array | undefined): void {
    const { parent, name } = splitPath(path, this.#os);
    const directory = this.#directory(parent);
    if (directory === undefined) return;
    if (text === undefined) this.#statements.removeText.run(directory, name);
    else this.#statements.putText.run(directory, name, text);
  }

  /** Forgets directories that no entry is in any more. */
  tidy(): void {
    this.#statements.tidy.run();
    this.#directories.clear();
  }

  #directory(path: string): bigint | undefined {
    const known = this.#directories.get(path);
    if (known !== undefined) return known;
    const id = this.#statements.directory.get(path)?.['id'];
    if (typeof id !== 'bigint') return undefined;
    return this.#remember(path, id);
  }

  #addDirectory(path: string): bigint {
    return this.#remember(path, BigInt(this.#statements.addDirectory.run(path).lastInsertRowid));
  }

  #remember(path: string, id: bigint): bigint {
    if (this.#directories.size >= KNOWN_DIRECTORIES) this.#directories.clear();
    this.#directories.set(path, id);
    return id;
  }
}

function prepare(
  db: DatabaseSync,
): Record<
  | 'count'
  | 'get'
  | 'put'
  | 'remove'
  | 'children'
  | 'namesAfter'
  | 'hasInode'
  | 'byInode'
  | 'below'
  | 'page'
  | 'text'
  | 'putText'
  | 'removeText'
  | 'tidy'
  | 'directory'
  | 'addDirectory',
  StatementSync
> {
  const statement = (sql: string): StatementSync => {
    const prepared = db.prepare(sql);
    prepared.setReadBigInts(true);
    return prepared;
  };
  const cells = (sql: string): StatementSync => {
    const prepared = statement(sql);
    prepared.setReturnArrays(true);
    return prepared;
  };
  return {
    count: statement('SELECT count(*) AS count FROM entries'),
    get: cells(`SELECT ${COLUMNS} FROM entries WHERE directory = ? AND name = ?`),
    put: statement(`INSERT OR REPLACE INTO entries (directory, name, ${COLUMNS}) VALUES (?, ?, ${MARKS})`),
    remove: statement('DELETE FROM entries WHERE directory = ? AND name = ?'),
    children: cells(`SELECT name, ${COLUMNS} FROM entries WHERE directory = ?`),
    namesAfter: statement('SELECT name FROM entries WHERE directory = ? AND name > ? ORDER BY name LIMIT ?'),
    hasInode: cells('SELECT 1 FROM entries WHERE inode = ? LIMIT 1'),
    byInode: cells(
      `SELECT path, name, ${COLUMNS} FROM entries JOIN directories ON id = directory WHERE inode = ? LIMIT ?`,
    ),
    // The order of the join is the order of the answer: directories by path, then their entries by name.
    below: statement(
      `SELECT path, name FROM directories CROSS JOIN entries ON directory = id
       WHERE path >= ?1 AND path < ?2 AND (path > ?1 OR name > ?3) ORDER BY path, name LIMIT ?4`,
    ),
    page: statement(
      `SELECT path, name, type FROM directories CROSS JOIN entries ON directory = id
       WHERE path >= ?1 AND (path > ?1 OR name > ?2) ORDER BY path, name LIMIT ?3`,
    ),
    text: statement('SELECT text FROM texts WHERE directory = ? AND name = ?'),
    putText: statement('INSERT OR REPLACE INTO texts (directory, name, text) VALUES (?, ?, ?)'),
    removeText: statement('DELETE FROM texts WHERE directory = ? AND name = ?'),
    tidy: statement('DELETE FROM directories WHERE id NOT IN (SELECT directory FROM entries)'),
    directory: statement('SELECT id FROM directories WHERE path = ?'),
    addDirectory: statement('INSERT INTO directories (path) VALUES (?)'),
  };
}

const blob = (value: SQLOutputValue | undefined): Uint8Array | null =>
  value instanceof Uint8Array ? value : null;
const text = (value: SQLOutputValue | undefined): string | null => (typeof value === 'string' ? value : null);
const big = (value: SQLOutputValue | undefined): bigint => (typeof value === 'bigint' ? value : 0n);

/** A row from values in the order of `COLUMNS`, which begin at `at`. */
function rowOf(values: Cells, at: number): Row {
  return {
    type: typeOfNumber(Number(values[at])),
    device: big(values[at + 1]),
    inode: big(values[at + 2]),
    born: big(values[at + 3]),
    size: Number(values[at + 4]),
    mode: Number(values[at + 5]),
    uid: Number(values[at + 6]),
    gid: Number(values[at + 7]),
    modified: big(values[at + 8]),
    changed: big(values[at + 9]),
    sha256: blob(values[at + 10]),
    unhashed: text(values[at + 11]),
    target: text(values[at + 12]),
    acl: blob(values[at + 13]),
    xattrs: blob(values[at + 14]),
    racy: values[at + 15] === 1n,
  };
}

function valuesOf(row: Row): (number | bigint | string | Uint8Array | null)[] {
  return [
    typeNumber(row.type),
    row.device,
    row.inode,
    row.born,
    row.size,
    row.mode,
    row.uid,
    row.gid,
    row.modified,
    row.changed,
    row.sha256,
    row.unhashed,
    row.target,
    row.acl,
    row.xattrs,
    row.racy ? 1 : 0,
  ];
}
