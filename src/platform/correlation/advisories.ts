import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { reasonOf } from '../errors.ts';
import { OsvRecord, type OsvAffected } from './osv.ts';

/** Bounds on a directory of advisories. */
export const ADVISORY_LIMITS = { files: 500_000, fileBytes: 4 * 1024 * 1024, depth: 16 } as const;

/** What one advisory says about one package. */
export interface Statement {
  readonly record: OsvRecord;
  readonly affected: OsvAffected;
}

/** Advisories by ecosystem and package. */
export interface Advisories {
  readonly count: number;
  /** Changes when any file changes: findings are due for another look. */
  readonly hash: string;
  /** Files that were left out, with the reason. */
  readonly skipped: readonly { readonly file: string; readonly reason: string }[];
  readonly about: (ecosystem: string, name: string) => readonly Statement[];
}

/** No advisories at all. */
export const NO_ADVISORIES: Advisories = { count: 0, hash: '', skipped: [], about: () => [] };

/**
 * Reads every `*.json` below a directory as an OSV record. A file that is too large or not a record is named in
 * `skipped`; withdrawn records are left out. Throws when the directory itself can't be read or has too many files.
 */
export function loadAdvisories(directory: string): Advisories {
  const byPackage = new Map<string, Statement[]>();
  const skipped: { file: string; reason: string }[] = [];
  const hash = createHash('sha256');
  let count = 0;
  for (const file of jsonFiles(directory)) {
    try {
      const text = readBounded(file);
      const record = OsvRecord.parse(JSON.parse(text));
      hash.update(text).update('\0');
      if (record.withdrawn !== undefined) continue;
      count += 1;
      for (const affected of record.affected) index(byPackage, { record, affected });
    } catch (error) {
      skipped.push({ file, reason: reasonOf(error).replaceAll(/\s+/g, ' ').slice(0, 300) });
    }
  }
  const about = (ecosystem: string, name: string) => byPackage.get(`${ecosystem}\0${name}`) ?? [];
  return { count, hash: hash.digest('hex'), skipped, about };
}

function index(byPackage: Map<string, Statement[]>, statement: Statement): void {
  const { ecosystem, name } = statement.affected.package;
  const key = `${ecosystem}\0${name}`;
  const statements = byPackage.get(key);
  if (statements === undefined) byPackage.set(key, [statement]);
  else statements.push(statement);
}

/** Sorted, so that the hash does not depend on the file system's order. Links are not followed. */
function jsonFiles(directory: string): string[] {
  const files: string[] = [];
  const walk = (folder: string, depth: number): void => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory() && depth < ADVISORY_LIMITS.depth) walk(path, depth + 1);
      else if (entry.isFile() && entry.name.endsWith('.json')) files.push(path);
      if (files.length > ADVISORY_LIMITS.files) {
        throw new Error(`${directory} has more than ${ADVISORY_LIMITS.files} advisories`);
      }
    }
  };
  walk(directory, 0);
  return files.sort();
}

function readBounded(file: string): string {
  const { size } = statSync(file);
  if (size > ADVISORY_LIMITS.fileBytes) throw new Error(`${size} bytes are too many for one advisory`);
  return readFileSync(file, 'utf8');
}
