import { CHANGE, type Attribution, type RawChange } from './change.ts';
import type { Examination } from './ledger/messages.ts';

/** Most actors that a pending change names beside the last one of each facet. */
const MAX_OTHERS = 8;

const APPEARED = CHANGE.created | CHANGE.movedTo;
/** Nothing is left under that name. */
export const GONE = CHANGE.deleted | CHANGE.movedFrom;
const PRESENCE = APPEARED | GONE;

/** What was heard of one path since it was last looked at. */
export interface Pending {
  what: number;
  directory: boolean;
  from: string | undefined;
  /** When the first of it was heard, ms since the epoch. */
  readonly at: number;
  presence: Attribution | undefined;
  content: Attribution | undefined;
  attributes: Attribution | undefined;
  readonly others: Attribution[];
  /** All that was heard happened while the source did not run. */
  late: boolean;
  /** Not looked at before, ms since the epoch. */
  dueAt: number;
  /** The last that was heard is that nothing is left under this name. */
  isGone: boolean;
  /** Where it went, if that is known: it is looked at together with what is there. */
  to: string | undefined;
}

/** A pending change made of the first thing that was heard. */
export function pendingOf(change: RawChange, dueAt: number): Pending {
  const pending: Pending = {
    what: 0,
    directory: change.directory,
    from: undefined,
    at: change.at,
    presence: undefined,
    content: undefined,
    attributes: undefined,
    others: [],
    late: true,
    dueAt,
    isGone: false,
    to: undefined,
  };
  addTo(pending, change);
  return pending;
}

/** Adds what was heard next. The last one of a facet is its actor: what stands on the disk is theirs. */
export function addTo(pending: Pending, change: RawChange): void {
  const { what, by } = change;
  if ((what & PRESENCE) !== 0) pending.presence = replaced(pending, pending.presence, by);
  if ((what & CHANGE.modified) !== 0) {
    pending.content = replaced(pending, pending.content, by);
  } else if ((what & CHANGE.closedAfterWrite) !== 0 && (pending.what & CHANGE.modified) === 0) {
    // Who closes a file opened for writing need not have written; with no write heard, as through a mapping, nobody else is known.
    pending.content = replaced(pending, pending.content, by);
  }
  if ((what & CHANGE.attributes) !== 0) pending.attributes = replaced(pending, pending.attributes, by);
  pending.what |= what;
  pending.directory = change.directory;
  pending.late &&= change.late === true;
  pending.from = originOf(pending.from, change);
  if ((what & PRESENCE) === 0) return;
  // Of both in one event the order is not known: it is looked for.
  pending.isGone = (what & APPEARED) === 0;
  pending.to = undefined;
}

/**
 * Takes over what was heard of a file under the name that it had before: who wrote the one wrote the other. The old name
 * keeps that something was moved away.
 */
export function inherit(pending: Pending, old: Pending): void {
  if (old.content !== undefined) pending.content = replaced(pending, pending.content, old.content);
  if (old.attributes !== undefined)
    pending.attributes = replaced(pending, pending.attributes, old.attributes);
  pending.what |= old.what & (CHANGE.modified | CHANGE.closedAfterWrite | CHANGE.attributes);
  pending.from = old.from ?? pending.from;
  for (const other of old.others) keepOther(pending, other);
  old.content = undefined;
  old.attributes = undefined;
  old.what &= PRESENCE;
}

/** Where it came from: the first place counts, for that is where the baseline has it. */
function originOf(known: string | undefined, { what, from }: RawChange): string | undefined {
  if ((what & CHANGE.movedTo) !== 0) return from ?? known;
  return (what & (CHANGE.created | GONE)) === 0 ? known : undefined;
}

function replaced(pending: Pending, before: Attribution | undefined, by: Attribution): Attribution {
  if (before !== undefined && !sameActor(before, by)) keepOther(pending, before);
  return by;
}

function keepOther(pending: Pending, other: Attribution): void {
  if (pending.others.length >= MAX_OTHERS || pending.others.some((known) => sameActor(known, other))) return;
  pending.others.push(other);
}

function identityOf({ actor }: Attribution): string {
  if (actor.state === 'unknown') return `unknown ${String(actor.pid)} ${actor.reason}`;
  const { pid, start, executable } = actor.process;
  return `${pid} ${String(start)} ${String(executable)}`;
}

/** Whether both are the same process in the same image. */
function sameActor(a: Attribution, b: Attribution): boolean {
  return a === b || identityOf(a) === identityOf(b);
}

/** The pending change as the ledger takes it. */
export function examinationOf(path: string, pending: Pending, provider: string): Examination {
  const { what, directory, from, at, presence, content, attributes, others, late } = pending;
  return {
    path,
    what,
    directory,
    ...(from !== undefined && { from }),
    at,
    by: {
      ...(presence !== undefined && { presence }),
      ...(content !== undefined && { content }),
      ...(attributes !== undefined && { attributes }),
    },
    others,
    provider,
    ...(late && { late }),
  };
}
