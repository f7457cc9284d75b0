import type { FimRule } from '../../../shared/file-integrity.ts';
import type { Os } from '../../table.ts';
import { CHANGE, type Attribution } from '../change.ts';
import type { Located } from './baseline.ts';
import type { Cause } from './cause.ts';
import { diffRule, difference, holdsSecrets, keptText, type Shown } from './diff.ts';
import { fimEvent, type Occurrence } from './event.ts';
import { decodePath, splitPath } from './host-path.ts';
import type { Found } from './look.ts';
import type { Names } from './names.ts';
import {
  causeAfterMove,
  differences,
  partOfDeletion,
  partOfMove,
  partsOfChange,
  partsOfCreation,
  partsOfUnknownBefore,
  type Part,
} from './net-change.ts';
import { LANE } from './pending.ts';
import { chooseRule, chooseRuleOfMove, exceptOf, type Choice } from './rule-choice.ts';
import { isSameInode, type Row } from './row.ts';
import { isStillAt } from './still-at.ts';
import type { LedgerStore } from './store.ts';

/** What the comparison of one path needs beside the two states. */
export interface ReconcilerParts {
  readonly store: LedgerStore;
  readonly os: Os;
  readonly names: Names;
  /** The rules that cover a host path, as they are now. */
  readonly rulesOf: (path: string, isDirectory: boolean) => readonly FimRule[];
  readonly newId: () => string;
  /** Which package manager has a file with this content in its database, of those that it installed since the last walk. */
  readonly installerOf: (path: string, row: Row) => string | undefined;
  /** Called for every event that was sealed. */
  readonly onEvent: () => void;
}

/** A path under rules. `key` is its encoded form. */
export interface Subject {
  readonly path: string;
  readonly name: string;
  readonly key: string;
  /** The rules that cover it. */
  readonly rules: readonly FimRule[];
}

/** What a comparison came to, for whoever goes on from there. */
export interface Outcome {
  readonly isDirectory: boolean;
  /** It was not known before, or another file took the place of the known one. */
  readonly isNew: boolean;
  /** Its appearance became an event, or would have if a rule wanted it. */
  readonly isReported: boolean;
  /** Anything but the path differs. */
  readonly isChanged: boolean;
  /** Where it was before, encoded. */
  readonly origin?: string;
}

/** An occurrence that no rule was chosen for yet. */
type Untold = Omit<Occurrence, 'id' | 'choice'>;

const APPEARED = CHANGE.created | CHANGE.movedTo;
const WRITTEN = CHANGE.modified | CHANGE.closedAfterWrite;

/**
 * Compares what stands at a path with the baseline, writes the difference as events and brings the baseline up to date, all
 * in the open transaction. What was created and deleted between two looks is no net change and makes no event.
 */
export class Reconciler {
  readonly #parts: ReconcilerParts;
  #established: ReadonlySet<string> = new Set();

  constructor(parts: ReconcilerParts) {
    this.#parts = parts;
  }

  /** Rules whose first walk is over: what appears under others was there all the time, unless somebody was heard making it. */
  establish(ids: ReadonlySet<string>): void {
    this.#established = ids;
  }

  /** Something stands at the path. */
  present(subject: Subject, row: Row | undefined, found: Found, cause: Cause): Outcome {
    if (row === undefined) return this.#appeared(subject, found, cause);
    const isDirectory = found.row.type === 'dir';
    if (found.isUnchanged) {
      if (row.device !== found.row.device) this.#parts.store.baseline.put(subject.key, found.row);
      return { isDirectory, isNew: false, isReported: false, isChanged: false };
    }
    const changed = differences(row, found.row);
    const origin = changed.includes('inode') ? this.#origin(subject.key, found.row, cause) : undefined;
    if (origin !== undefined && isDirectory) {
      this.absent(subject, row, cause);
      return this.#moved(subject, origin, found, cause);
    }
    this.#changed(subject, row, found, cause, origin);
    const isNew = changed.includes('inode') || changed.includes('type');
    return {
      isDirectory,
      isNew,
      isReported: isNew,
      isChanged: changed.length > 0,
      ...(origin === undefined ? {} : { origin: origin.path }),
    };
  }

  /** Nothing stands at the path any more. */
  absent({ key, rules }: Subject, row: Row, cause: Cause): void {
    this.#parts.store.baseline.remove(key);
    this.#emit(rules, { path: key, before: row, part: partOfDeletion(cause), cause });
  }

  #changed(subject: Subject, row: Row, found: Found, cause: Cause, origin: Located | undefined): void {
    const { key, rules } = subject;
    const { baseline } = this.#parts.store;
    const changed = differences(row, found.row);
    if (origin !== undefined) baseline.remove(origin.path);
    baseline.put(key, found.row);
    const shown = this.#text(subject, found, changed.includes('content'));
    for (const part of partsOfChange(changed, cause)) {
      const text = part.changed.includes('content') ? shown : {};
      const occurrence = { path: key, before: row, after: found.row, part, cause, ...text };
      if (origin === undefined) this.#emit(rules, occurrence);
      else this.#emitMove(rules, origin, occurrence);
    }
  }

  #appeared(subject: Subject, found: Found, cause: Cause): Outcome {
    const { key, rules } = subject;
    const isHeard = (cause.what & APPEARED) !== 0 || cause.inherited === true;
    const eligible = isHeard ? rules : rules.filter(({ id }) => this.#established.has(id));
    const origin = eligible.length > 0 ? this.#origin(key, found.row, cause) : undefined;
    if (origin !== undefined) return this.#moved(subject, origin, found, cause);
    this.#parts.store.baseline.add(key, found.row);
    // A path that had no row has no text either, and most are under no rule that wants one.
    if (diffRule(rules) !== undefined) this.#text(subject, found, false);
    const parts =
      eligible.length > 0 ? partsOfCreation(found.row, creator(found.row, cause)) : changesHeard(cause);
    for (const part of parts) {
      const previousPath = part.action === 'created' && cause.inherited !== true ? cause.from : undefined;
      this.#emit(eligible.length > 0 ? eligible : rules, {
        path: key,
        ...(previousPath === undefined ? {} : { previousPath }),
        after: found.row,
        part,
        cause,
      });
    }
    const isReported = eligible.length > 0;
    return { isDirectory: found.row.type === 'dir', isNew: true, isReported, isChanged: true };
  }

  #moved(subject: Subject, origin: Located, found: Found, heard: Cause): Outcome {
    const { baseline } = this.#parts.store;
    const presence = heard.presence ?? this.#moverOf(subject.key, origin.path);
    const cause = presence === undefined ? heard : { ...heard, presence };
    const text = baseline.text(origin.path);
    baseline.remove(origin.path);
    baseline.put(subject.key, found.row);
    if (text !== undefined) baseline.putText(subject.key, text);
    const states = { path: subject.key, before: origin.row, after: found.row, cause };
    const left = this.#emitMove(subject.rules, origin, { ...states, part: partOfMove(cause) });
    const changed = differences(origin.row, found.row);
    const shown = this.#text(subject, found, changed.includes('content'));
    // It may have been changed before it was moved.
    const rules = [...subject.rules, ...left];
    for (const part of partsOfChange(changed, causeAfterMove(cause))) {
      this.#emit(rules, { ...states, part, ...(part.changed.includes('content') ? shown : {}) });
    }
    return {
      isDirectory: found.row.type === 'dir',
      isNew: true,
      isReported: true,
      isChanged: changed.length > 0,
      origin: origin.path,
    };
  }

  /** Where the file that is now found here was before: a known path that had its inode and has it no more. */
  #origin(key: string, found: Row, cause: Cause): Located | undefined {
    const { os, store } = this.#parts;
    const { baseline } = store;
    if (cause.from !== undefined && cause.from !== key) {
      const row = baseline.get(cause.from);
      if (row !== undefined && isSameInode(row, found) && !isStillAt(cause.from, found, os)) {
        return { path: cause.from, row };
      }
    }
    return baseline
      .byInode(found.inode)
      .find(({ path, row }) => path !== key && isSameInode(row, found) && !isStillAt(path, found, os));
  }

  /** Who moved a directory above, where the walk of that has not come to this path yet. */
  #moverOf(key: string, origin: string): Attribution | undefined {
    const { store, os } = this.#parts;
    let above = key;
    for (let { parent } = splitPath(above, os); parent !== above; { parent } = splitPath(above, os)) {
      above = parent;
      const pending = store.pending.causeOf('directory', above, LANE.moved);
      const { from, presence } = JSON.parse(pending ?? '{}') as Partial<Cause>;
      if (from !== undefined && from + key.slice(above.length) === origin) return presence;
    }
    return undefined;
  }

  /** Keeps the text of a file whose differences are shown. Returns the difference where the content changed. */
  #text({ path, name, key, rules }: Subject, found: Found, isChanged: boolean): Partial<Shown> {
    const rule = diffRule(rules);
    const { baseline } = this.#parts.store;
    const isSecret = rule !== undefined && holdsSecrets(path, name, rules);
    // It may have had another name, or its rule have said otherwise, when its text was kept.
    if (rule === undefined || isSecret) baseline.putText(key, undefined);
    if (rule === undefined || found.row.type !== 'file' || found.isUnchanged) return {};
    if (isSecret) return isChanged ? { noDiff: 'a file that holds secrets' } : {};
    const before = baseline.text(key);
    const kept = found.content === undefined ? `larger than ${rule.diffMaxKb} KB` : keptText(found.content);
    baseline.putText(key, typeof kept === 'string' ? undefined : kept);
    if (!isChanged) return {};
    if (typeof kept === 'string') return { noDiff: kept };
    return before === undefined ? { noDiff: 'the text before is not known' } : difference(before, kept, key);
  }

  #emit(rules: readonly FimRule[], occurrence: Untold): void {
    const choice = chooseRule(rules, occurrence.part, this.#parts.os);
    if (choice !== undefined) this.#tell(choice, occurrence);
  }

  /** What happened at a path because a file was moved there. Returns the rules that it moved out of. */
  #emitMove(now: readonly FimRule[], origin: Located, occurrence: Untold): readonly FimRule[] {
    const { os, rulesOf } = this.#parts;
    const { part, cause } = occurrence;
    const old = rulesOf(decodePath(origin.path, os), origin.row.type === 'dir');
    const choice = chooseRuleOfMove({ old, now }, part, os);
    const told = { ...occurrence, previousPath: origin.path };
    if (choice?.as === 'move') this.#tell(choice, told);
    if (choice?.as === 'creation') {
      const { before: _elsewhere, ...here } = told;
      this.#tell(choice, { ...here, part: { ...part, action: 'created', changed: [] } });
    }
    if (choice?.as === 'deletion') {
      this.#tell(choice, { path: origin.path, before: origin.row, part: partOfDeletion(cause), cause });
    }
    return exceptOf(old, now);
  }

  #tell(choice: Choice, occurrence: Untold): void {
    const installer = this.#installerOf(occurrence);
    const labelled = installer === undefined ? occurrence : { ...occurrence, installer };
    const event = fimEvent({ ...labelled, id: this.#parts.newId(), choice }, this.#parts.names);
    this.#parts.store.spool.append('fim', event, occurrence.cause.at);
    this.#parts.onEvent();
  }

  /** Only where nobody was seen: who is known needs no guess. */
  #installerOf({ path, after, part }: Pick<Occurrence, 'path' | 'after' | 'part'>): string | undefined {
    if (after === undefined || part.by.actor.state === 'known') return undefined;
    return this.#parts.installerOf(decodePath(path, this.#parts.os), after);
  }
}

/** Whoever moved a directory in brought what was in it; what was made in it afterwards is somebody's whom nobody heard. */
function creator(row: Row, cause: Cause): Cause {
  const { presence: mover, ...rest } = cause;
  if (cause.inherited !== true || mover === undefined) return cause;
  if (Number(row.changed / 1_000_000n) <= cause.at) return cause;
  return { ...rest, unknown: 'it changed after its directory was moved' };
}

/** A change of a file that the first walk has not come to. */
function changesHeard(cause: Cause): Part[] {
  const parts: Part[] = [];
  if ((cause.what & WRITTEN) !== 0) parts.push(...partsOfUnknownBefore(cause, true));
  else if ((cause.what & CHANGE.attributes) !== 0) parts.push(...partsOfUnknownBefore(cause, false));
  return parts;
}
