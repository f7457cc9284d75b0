import type { Context } from '../context.ts';
import { sweep } from './files.ts';
import { discard } from './open.ts';

/** How long the answer of a finished upload is kept for repeated commits, ms. */
const ANSWERS_KEPT_MS = 7 * 24 * 3600 * 1000;

/** Removes abandoned uploads (24 h) and answers that nobody will ask for again. Cheap; to be run every hour. */
export function removeStale(context: Context): void {
  const now = context.now();
  const stale = context.store.uploads.stale(now - context.limits.abandonedAfterMs, now - ANSWERS_KEPT_MS);
  for (const id of stale) {
    if (!context.commits.has(id)) discard(context, id);
  }
}

/** Clears what a crash may have left: staged rows of a commit that did not end, files without an upload. */
export function recoverUploads(context: Context): void {
  context.store.staging.clearAll();
  removeStale(context);
  sweep(context.dataDir, context.store.uploads.ids());
}
