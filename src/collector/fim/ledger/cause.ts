import type { Detection } from '../../../shared/host-events.ts';
import { encodePath } from './host-path.ts';
import type { Attribution } from '../change.ts';
import type { Os } from '../../table.ts';
import type { Examination } from './messages.ts';

/** Why a path is looked at, and who is known to have touched it. Kept as JSON with work that is pending. Paths are encoded. */
export interface Cause {
  readonly detected: Detection;
  /** Name of the source, for `event.provider`. */
  readonly provider: string;
  /** When it was heard of, ms since the epoch. */
  readonly at: number;
  /** Bits of `CHANGE`; 0 where nothing was heard. */
  readonly what: number;
  /** Where the path was moved from, if a source said so; of a moved directory's entries, where they were. */
  readonly from?: string;
  readonly presence?: Attribution;
  readonly content?: Attribution;
  readonly attributes?: Attribution;
  readonly others: readonly Attribution[];
  /** Why nobody is known for what nobody was heard doing. */
  readonly unknown: string;
  /** How often it was put off because it had only just changed. */
  readonly tries: number;
  /** Heard of the directory above: its entries appeared with it. */
  readonly inherited?: boolean;
  /** Looked at because another name of the same inode changed. */
  readonly linked?: boolean;
}

/** The cause that a source gives. */
export function heard(item: Examination, os: Os): Cause {
  const { presence, content, attributes } = item.by;
  return {
    detected: item.late === true ? 'baseline' : 'live',
    provider: item.provider,
    at: item.at,
    what: item.what,
    ...(item.from === undefined ? {} : { from: encodePath(item.from, os) }),
    ...(presence === undefined ? {} : { presence }),
    ...(content === undefined ? {} : { content }),
    ...(attributes === undefined ? {} : { attributes }),
    others: item.others,
    unknown: 'nobody was heard doing this',
    tries: 0,
  };
}

/** The cause of a walk. */
export function walked(detected: Exclude<Detection, 'live'>, at: number): Cause {
  const unknown =
    detected === 'baseline'
      ? 'it happened while nobody watched'
      : 'found by a walk: nobody was heard doing this';
  return { detected, provider: 'walk', at, what: 0, others: [], unknown, tries: 0 };
}

/** Nobody is known to have done what is found: a directory's deletion says nothing of who emptied it. */
export function withoutActors(cause: Cause, unknown: string): Cause {
  const { detected, provider, at } = cause;
  return { detected, provider, at, what: 0, others: [], unknown, tries: 0 };
}

/** The newer cause, with those of the older that it does not name among the others. */
export function mergeCauses(older: Cause, newer: Cause): Cause {
  const facets = ['presence', 'content', 'attributes'] as const;
  const merged: Record<string, unknown> = { ...older, ...newer, what: older.what | newer.what };
  const others = [...newer.others, ...older.others];
  for (const facet of facets) {
    const [before, after] = [older[facet], newer[facet]];
    if (before !== undefined && after !== undefined && !isSameActor(before, after)) others.push(before);
  }
  return { ...(merged as unknown as Cause), others: others.slice(0, 16) };
}

/** Whether two attributions name the same process, or are unknown for the same reason. */
export function isSameActor(a: Attribution, b: Attribution): boolean {
  if (a === b) return true;
  if (a.actor.state === 'known' && b.actor.state === 'known') {
    const [one, other] = [a.actor.process, b.actor.process];
    return one.pid === other.pid && one.start === other.start && one.executable === other.executable;
  }
  return a.actor.state === b.actor.state && JSON.stringify(a.actor) === JSON.stringify(b.actor);
}
