import { integer } from './columns.ts';
import { type Sql } from './sql.ts';

/** Free pages (4 KiB each) that a database keeps for its next records. */
const SLACK_PAGES = 1_024;

/** Pages given back per call: a few milliseconds of work. */
const STEP_PAGES = 2_048;

/** Gives free pages beyond a slack back to the filesystem, a bounded number per call. Not inside a transaction. */
export function releaseSpace(sql: Sql): void {
  const free = integer(sql.prepare('PRAGMA freelist_count').get() ?? {}, 'freelist_count');
  const surplus = Math.min(STEP_PAGES, free - SLACK_PAGES);
  if (surplus > 0) sql.exec(`PRAGMA incremental_vacuum(${surplus})`);
}
