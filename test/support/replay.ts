import type { FimEvent } from '../../src/shared/host-events.ts';
import type { Listed, Listing } from './listing.ts';

/** The listing that events lead to, and events that can't be: made twice, deleted without being there. */
export interface Replayed {
  readonly listing: Listing;
  readonly impossible: readonly string[];
}

/** Applies events to a listing, in their order. */
export function replay(before: Listing, events: readonly FimEvent[]): Replayed {
  const entries = new Map(before);
  const impossible: string[] = [];
  for (const event of events) {
    const fault = apply(entries, event);
    if (fault !== undefined) impossible.push(`${fault}: ${event.event.action} ${event.file.path}`);
  }
  return { listing: entries, impossible };
}

function apply(entries: Map<string, Listed>, { event, file }: FimEvent): string | undefined {
  const known = entries.has(file.path);
  switch (event.action) {
    case 'deleted':
      return entries.delete(file.path) ? undefined : 'was not there';
    case 'moved': {
      const { previous_path: from } = file;
      if (from === undefined) return 'moved from nowhere';
      const there = entries.delete(from);
      entries.set(file.path, listed(file));
      return there ? undefined : `moved from ${from}, where nothing was`;
    }
    case 'created':
      entries.set(file.path, listed(file));
      return known ? 'was there already' : undefined;
    case 'updated':
    case 'attributes_modified':
      // What replaced it stood elsewhere before.
      if (file.previous_path !== undefined) entries.delete(file.previous_path);
      entries.set(file.path, listed(file));
      return known ? undefined : 'was not there';
  }
}

function listed({ type, mode, uid, gid, size, target_path, hash }: FimEvent['file']): Listed {
  return {
    type: type === undefined || type === 'registry' ? 'device' : type,
    mode: mode ?? '',
    uid: uid ?? '',
    gid: gid ?? '',
    ...(type === 'file' && { size: size ?? -1, sha256: hash?.sha256 ?? '' }),
    ...(type === 'symlink' && { target: target_path ?? '' }),
  };
}
