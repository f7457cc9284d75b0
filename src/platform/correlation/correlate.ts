import { z } from 'zod';
import type { Context } from '../context.ts';
import type { SnapshotHead } from '../store/snapshots.ts';
import type { Advisories } from './advisories.ts';
import { reconcile } from './findings.ts';
import { matchPackages, type InstalledPackage, type Release } from './match.ts';

const DebRow = z.object({ source: z.string(), sourceVersion: z.string(), status: z.string() });
const OsRow = z.object({ id: z.string(), version: z.string() });
const ErrorRow = z.object({ table: z.string() });

/** Tables that a finding rests on: without them nothing can be said, least of all that something is fixed. */
const NEEDED: readonly string[] = ['deb', 'os_version'];

/**
 * Brings an agent's findings in line with its Vulnerability snapshot. To be called inside a transaction.
 * Returns how many are open now.
 */
export function correlate(context: Context, head: SnapshotHead, advisories: Advisories): number {
  const { snapshots, findings } = context.store;
  const unread = parseRows(ErrorRow, snapshots.rows(head.id, 'collection_errors'));
  if (unread.some((error) => NEEDED.includes(error.table))) return openCount(findings.list(head.agent));
  const packages = parseRows(DebRow, snapshots.rows(head.id, 'deb'));
  const release = parseRows(OsRow, snapshots.rows(head.id, 'os_version'))[0];
  const matches = match(release, packages, advisories);
  for (const finding of reconcile(head.agent, findings.list(head.agent), matches, context.now())) {
    findings.put(finding);
  }
  return matches.length;
}

const openCount = (all: readonly { readonly status: string }[]): number =>
  all.filter((finding) => finding.status !== 'fixed').length;

function match(release: Release | undefined, packages: readonly InstalledPackage[], advisories: Advisories) {
  return release === undefined ? [] : matchPackages(release, packages, advisories);
}

/** Rows in the shape correlation needs; a row of another shape (a newer agent, a failed table) is left out. */
function parseRows<T>(schema: z.ZodType<T>, items: readonly { readonly row: string }[]): T[] {
  return items.flatMap((item) => {
    const parsed = schema.safeParse(JSON.parse(item.row));
    return parsed.success ? [parsed.data] : [];
  });
}
