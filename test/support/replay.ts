import type { FimEvent } from '../../src/shared/host-events.ts';

/** The listing that events lead to, and events that can't be: made twice, deleted without being there. */
export interface Replayed<Listed> {
  readonly listing: ReadonlyMap<string, Listed>;
  readonly impossible: readonly string[];
}

/**
 * Applies events to a listing by path, in their order. `listed` is what the listing would have for a file that is as an
 * event shows it.
 */
export function replay<Listed>(
  before: ReadonlyMap<string, Listed>,
  events: readonly FimEvent[],
  listed: (file: FimEvent['file']) => Listed,
): Replayed<Listed> {
  const entries = new Map(before);
  const impossible: string[] = [];
  for (const event of events) {
    const fault = apply(entries, event, listed(event.file));
    if (fault !== undefined) impossible.push(`${fault}: ${event.event.action} ${event.file.path}`);
  }
  return { listing: entries, impossible };
}

function apply<Listed>(
  entries: Map<string, Listed>,
  { event, file }: FimEvent,
  now: Listed,
): string | undefined {
  const known = entries.has(file.path);
  switch (event.action) {
    case 'deleted':
      return entries.delete(file.path) ? undefined : 'was not there';
    case 'moved': {
      const { previous_path: from } = file;
      if (from === undefined) return 'moved from nowhere';
      const there = entries.delete(from);
      entries.set(file.path, now);
      if (known) return 'moved to where something was';
      return there ? undefined : `moved from ${from}, where nothing was`;
    }
    case 'created':
      entries.set(file.path, now);
      return known ? 'was there already' : undefined;
    case 'updated':
    case 'attributes_modified':
      // What replaced it stood elsewhere before.
      if (file.previous_path !== undefined) entries.delete(file.previous_path);
      entries.set(file.path, now);
      return known ? undefined : 'was not there';
  }
}
