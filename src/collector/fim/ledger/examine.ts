import { Unreadable, type Os } from '../../table.ts';
import { CHANGE } from '../change.ts';
import type { RuleSet } from '../rule-set.ts';
import { mergeCauses, withoutActors, type Cause } from './cause.ts';
import { diffRule, holdsSecrets } from './diff.ts';
import { Folder } from './folder.ts';
import { encodePath, isWithin, splitPath } from './host-path.ts';
import { UNSETTLED, type Found, type Looker } from './look.ts';
import { differences } from './net-change.ts';
import { LANE } from './pending.ts';
import type { Outcome, Reconciler, Subject } from './reconcile.ts';
import { CHANGED_MEANWHILE, isSameInode, type Row } from './row.ts';
import { isStillAt } from './still-at.ts';
import type { LedgerStore } from './store.ts';
import type { UnreadPaths } from './unread.ts';

export interface ExaminerParts {
  readonly store: LedgerStore;
  readonly os: Os;
  readonly looker: Looker;
  readonly reconciler: Reconciler;
  /** Ms since the epoch. */
  readonly now: () => number;
  /** How long what was heard of a change may take to arrive here, ms. */
  readonly settleMs: number;
  readonly unread: UnreadPaths;
  readonly log: (message: string) => void;
}

const WRITTEN = CHANGE.modified | CHANGE.closedAfterWrite;
const APPEARED = CHANGE.created | CHANGE.movedTo;
const GONE = CHANGE.deleted | CHANGE.movedFrom;
/** A file that is never the same for long enough to be hashed is tried this often. */
const MOST_TRIES = 3;
/** A moved directory is compared at its new place before what is left at the old one counts as deleted; times `settleMs`. */
export const LEFTOVERS_AFTER = 3;

/** Looks at single paths and has the difference written. Nothing that is examined twice is reported twice. */
export class Examiner {
  readonly parts: ExaminerParts;
  rules: RuleSet;

  constructor(parts: ExaminerParts, rules: RuleSet) {
    this.parts = parts;
    this.rules = rules;
  }

  /**
   * Examines one absolute host path, in the open transaction; yields where others may come in between. `ifPresent` is the
   * cause of what is found there, where that is another than of what is missing. Returns `undefined` for what no rule
   * covers and what is not there.
   */
  *examine(path: string, cause: Cause, ifPresent = cause): Generator<void, Outcome | undefined> {
    const { store, os } = this.parts;
    const key = encodePath(path, os);
    const known = store.baseline.get(key);
    const rules = this.rules.rulesFor(path, true);
    if (rules.length === 0 && known === undefined) {
      this.#aroundRules(path, key, cause);
      return undefined;
    }
    const { name } = splitPath(path, os);
    const found = yield* this.#look({ path, name, key, rules }, known, ifPresent);
    if (found === 'left') return undefined;
    // Others may have been here meanwhile.
    const row = store.baseline.get(key);
    if (found === undefined) {
      this.#gone(path, key, row, cause);
      return undefined;
    }
    const covering =
      found === 'excluded' || found.row.type !== 'dir' ? this.rules.rulesFor(path, false) : rules;
    if (found === 'excluded' || covering.length === 0) {
      // A directory became a file that no rule includes.
      if (row !== undefined) this.#gone(path, key, row, ifPresent);
      return undefined;
    }
    const subject = { path, name, key, rules: covering };
    if (isTaken(cause, row, found)) return this.#taken(subject, row, found, cause);
    return this.#present(subject, row, found, ifPresent);
  }

  /** How much of a file's content is wanted for showing what differs, in bytes. */
  contentBytes({ path, name, rules }: Subject): number {
    const rule = diffRule(rules);
    return rule === undefined || holdsSecrets(path, name, rules) ? 0 : rule.diffMaxKb * 1024;
  }

  /** Has everything looked for that is known at or below a path. `due` is ms since the epoch. */
  lookForGone(key: string, cause: Cause, due: number): void {
    this.#pend('gone', LANE.gone, key, cause, due);
  }

  *#look(
    subject: Subject,
    known: Row | undefined,
    cause: Cause,
  ): Generator<void, Found | 'left' | 'excluded' | undefined> {
    const { os, looker } = this.parts;
    let folder: Folder | undefined;
    try {
      folder = Folder.open(splitPath(subject.path, os).parent, os);
      if (folder === undefined) return undefined;
      if (this.#isExcludedFile(folder, subject)) return 'excluded';
      const found = yield* looker.look(folder, subject.name, {
        known,
        force: (cause.what & WRITTEN) !== 0 || cause.linked === true,
        contentBytes: this.contentBytes(subject),
      });
      return found === UNSETTLED ? 'left' : found;
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      this.parts.log(`can't be looked at (${error.message}): ${subject.key}`);
      return 'left';
    } finally {
      folder?.close();
    }
  }

  /** Whether something stands there that only as a directory would concern a rule: it is not read. */
  #isExcludedFile(folder: Folder, { path, name }: Subject): boolean {
    if (this.rules.rulesFor(path, false).length > 0) return false;
    try {
      return folder.lstat(name)?.isDirectory() === false;
    } catch {
      return false;
    }
  }

  /** A directory above what rules name appeared or vanished: their roots are looked at. */
  #aroundRules(path: string, key: string, cause: Cause): void {
    const { store, os, now } = this.parts;
    const nobody = withoutActors(cause, 'a directory above it changed');
    for (const root of this.rules.roots().filter((found) => found !== path && isWithin(path, found, os))) {
      this.#pend('look', LANE.live, encodePath(root, os), { ...nobody, inherited: true }, now());
    }
    if (!store.pending.has('gone', key) && store.baseline.hasBelow(key)) {
      this.lookForGone(key, nobody, now());
    }
  }

  #gone(path: string, key: string, row: Row | undefined, cause: Cause): void {
    const { store, os, reconciler, now, settleMs } = this.parts;
    if (row !== undefined) {
      const rules = this.rules.rulesFor(path, row.type === 'dir');
      reconciler.absent({ path, name: splitPath(path, os).name, key, rules }, row, cause);
    }
    if (row?.type === 'file' || store.pending.has('gone', key) || !store.baseline.hasBelow(key)) return;
    // A directory can be removed only when it is empty: whoever did that need not be who emptied it, and what was heard of
    // its entries may still be on its way. Whoever moved it out of sight took them along.
    const isMoved = (cause.what & CHANGE.movedFrom) !== 0 && (cause.what & CHANGE.deleted) === 0;
    const below = isMoved ? cause : withoutActors(cause, 'its directory was deleted');
    this.lookForGone(key, below, cause.detected === 'live' ? now() + settleMs : 0);
  }

  #present(subject: Subject, row: Row | undefined, found: Found, cause: Cause): Outcome {
    const outcome = this.parts.reconciler.present(subject, row, found, cause);
    this.#follow(subject.key, row, found, outcome, cause);
    return outcome;
  }

  /**
   * What was there is gone by whoever was heard; what is there now is somebody's who is still to be heard, and who is waited for
   * once (`heardBefore`).
   */
  #taken(subject: Subject, row: Row | undefined, found: Found, cause: Cause): Outcome | undefined {
    const { now, settleMs } = this.parts;
    const { path, key } = subject;
    const maker = withoutActors(cause, 'nobody was heard making it in the place of another');
    if (cause.tries === 0) {
      const waiting = row === undefined ? maker : cause;
      this.#pend('look', LANE.live, key, { ...waiting, tries: 1 }, now() + settleMs);
      return undefined;
    }
    if (row !== undefined) this.#gone(path, key, row, cause);
    return this.#present(subject, undefined, found, maker);
  }

  /** The cause of what was heard of a path, with who gave its name up before and was not told of yet. */
  heardBefore(path: string, cause: Cause): Cause {
    if ((cause.what & APPEARED) === 0) return cause;
    const waiting = this.parts.store.pending.causeOf('look', encodePath(path, this.parts.os), LANE.live);
    if (waiting === undefined) return cause;
    const older = JSON.parse(waiting) as Cause;
    return (older.what & GONE) === 0 ? cause : { ...mergeCauses(older, cause), tries: 0 };
  }

  /** What else has to be looked at because of this. */
  #follow(key: string, row: Row | undefined, found: Found, outcome: Outcome, cause: Cause): void {
    const { now, settleMs } = this.parts;
    if (row?.type === 'dir' && !outcome.isDirectory) {
      this.lookForGone(key, withoutActors(cause, 'its directory was replaced'), now());
    }
    if (found.row.unhashed === CHANGED_MEANWHILE && cause.tries < MOST_TRIES) {
      const again = { ...withoutActors(cause, cause.unknown), tries: cause.tries + 1 };
      this.#pend('look', LANE.live, key, again, now() + settleMs);
    }
    if (outcome.isDirectory && outcome.isNew && outcome.isReported)
      this.#followDirectory(key, outcome, cause);
    if (outcome.isChanged && found.hasOtherNames === true) this.#followLinks(key, found.row, cause);
  }

  /** The entries of a directory that appeared or was moved here. Those that were made in it are heard of by themselves first. */
  #followDirectory(key: string, outcome: Outcome, cause: Cause): void {
    if (cause.detected !== 'live') return;
    const { now, settleMs } = this.parts;
    const isMoved = outcome.origin !== undefined || (cause.what & CHANGE.movedTo) !== 0;
    const { from: _from, content: _content, attributes: _attributes, ...mover } = cause;
    const inherited = isMoved
      ? {
          ...mover,
          what: 0,
          others: [],
          inherited: true,
          ...(outcome.origin === undefined ? {} : { from: outcome.origin }),
        }
      : {
          ...withoutActors(cause, 'nobody was heard making it in a new directory'),
          inherited: true,
          tries: 1,
        };
    this.#pend('directory', isMoved ? LANE.moved : LANE.live, key, inherited, isMoved ? 0 : now() + settleMs);
    if (outcome.origin === undefined) return;
    const left = withoutActors(cause, 'it was gone when its directory was moved');
    this.lookForGone(outcome.origin, left, now() + LEFTOVERS_AFTER * settleMs);
  }

  /**
   * Other names of the same inode changed with it, and sources tell of the one name that was used. A name that is gone is
   * heard of by itself, and its inode may be another file's by now.
   */
  #followLinks(key: string, row: Row, cause: Cause): void {
    if (cause.linked === true) return;
    const { store, os } = this.parts;
    const { presence: _presence, from: _from, ...rest } = cause;
    for (const other of store.baseline.byInode(row.inode)) {
      if (other.path === key || differences(other.row, row).length === 0) continue;
      if (!isStillAt(other.path, row, os)) continue;
      this.#pend('look', LANE.live, other.path, { ...rest, what: cause.what & ~APPEARED, linked: true }, 0);
    }
  }

  /** Puts a look in the lane of what was heard live, or has the one that is there know of it. */
  postpone(path: string, cause: Cause, due: number): void {
    const key = encodePath(path, this.parts.os);
    const older = this.parts.store.pending.causeOf('look', key, LANE.live);
    const merged = older === undefined ? cause : mergeCauses(JSON.parse(older) as Cause, cause);
    this.#pend('look', LANE.live, key, merged, due);
  }

  #pend(kind: 'look' | 'directory' | 'gone', lane: number, path: string, cause: Cause, due: number): void {
    this.parts.store.pending.add({ kind, lane, path, cause: JSON.stringify(cause), due });
  }
}

/** Whether all that was heard is that a name was given up, and by now another file has it. */
function isTaken({ what, detected }: Cause, row: Row | undefined, found: Found): boolean {
  if (detected !== 'live' || (what & GONE) === 0 || (what & APPEARED) !== 0) return false;
  return row === undefined || !isSameInode(row, found.row);
}
