import type { FimRule } from '../../../shared/file-integrity.ts';
import { codeOf } from '../../open-file.ts';
import { Unreadable } from '../../table.ts';
import type { RuleSet } from '../rule-set.ts';
import { withoutActors, type Cause } from './cause.ts';
import { LEFTOVERS_AFTER, type Examiner } from './examine.ts';
import { Folder, type Entry } from './folder.ts';
import { decodePath, encodePath, joinPath } from './host-path.ts';
import { UNSETTLED, type Found } from './look.ts';
import { LANE, type Pending } from './pending.ts';
import type { Outcome } from './reconcile.ts';
import type { Row } from './row.ts';

/** Entries between two looks at the clock: some tenths of a ms. */
const ENTRIES_AT_ONCE = 8;

/**
 * How often what has only just changed is left for later. Walks have to end; a new directory can wait until a source has told
 * of files that change all the time, which rest for up to 30 s.
 */
const TRIES = { walk: 1, live: 8 } as const;

const isLastTry = ({ lane }: Pending, { tries }: Cause): boolean =>
  tries >= (lane >= LANE.walk ? TRIES.walk : TRIES.live);

/** A directory on its way through a walk. */
interface Visit {
  readonly item: Pending;
  readonly cause: Cause;
  readonly folder: Folder;
  /** Host path and its encoded form. */
  readonly path: string;
  readonly key: string;
  readonly known: KnownEntries;
  /** The rules of its entries, as long as the rules are these. */
  ruleSet: RuleSet;
  rulesFor: ReturnType<RuleSet['entriesOf']>;
  readonly settledBefore: bigint | undefined;
  /** Something was left for later, since it had only just changed. */
  isDeferred: boolean;
}

/** Does what is pending, one directory or path at a time: each is a step of the cursor that `pending` is. */
export class Walker {
  readonly #examiner: Examiner;

  constructor(examiner: Examiner) {
    this.#examiner = examiner;
  }

  /** Works one item off, in the open transaction; yields often, so that others come in between. Strikes it off at the end. */
  *work(item: Pending): Generator<void, void> {
    const cause = JSON.parse(item.cause) as Cause;
    if (item.kind === 'directory') yield* this.#directory(item, cause);
    if (item.kind === 'look') yield* this.#look(item, cause);
    if (item.kind === 'gone') yield* this.#gone(item, cause);
    if (item.kind === 'purge') yield* this.#purge();
    this.#store.pending.remove(item.seq);
  }

  get #store(): Examiner['parts']['store'] {
    return this.#examiner.parts.store;
  }

  /** A path by itself; on a walk what is below it comes next. */
  *#look(item: Pending, cause: Cause): Generator<void, void> {
    const path = decodePath(item.path, this.#examiner.parts.os);
    const outcome = yield* this.#examiner.examine(path, cause);
    if (outcome?.isDirectory === true && item.lane >= LANE.walk) this.#enter(item, path, cause, outcome);
  }

  /** Everything known at or below a path: what is still there stays, whoever is known to have taken the rest away. */
  *#gone(item: Pending, cause: Cause): Generator<void, void> {
    const { os } = this.#examiner.parts;
    const ifPresent = withoutActors(cause, cause.unknown);
    let after = '';
    for (;;) {
      const paths = this.#store.baseline.below(item.path, after);
      for (const key of paths) {
        yield* this.#examiner.examine(decodePath(key, os), cause, ifPresent);
        yield;
      }
      const last = paths.at(-1);
      if (last === undefined) break;
      after = last;
    }
    yield* this.#examiner.examine(decodePath(item.path, os), cause, ifPresent);
  }

  /** Forgets what no rule covers any more: that is no change of a file. */
  *#purge(): Generator<void, void> {
    const { os } = this.#examiner.parts;
    const { baseline } = this.#store;
    let after = '';
    for (let page = baseline.page(after); page.length > 0; page = baseline.page(after)) {
      for (const { path, isDirectory } of page) {
        after = path;
        if (this.#examiner.rules.rulesFor(decodePath(path, os), isDirectory).length > 0) continue;
        baseline.remove(path);
      }
      yield;
    }
  }

  *#directory(item: Pending, cause: Cause): Generator<void, void> {
    const { os, now, settleMs, log } = this.#examiner.parts;
    const path = decodePath(item.path, os);
    let folder: Folder | undefined;
    try {
      folder = Folder.open(path, os);
      if (folder === undefined) {
        this.#vanished(item.path, cause);
        return;
      }
      if (folder.isPseudo()) return;
      const visit: Visit = {
        item,
        cause,
        folder,
        path,
        key: item.path,
        known: new KnownEntries(this.#store.baseline, item.path, folder.isLarge(), os),
        ruleSet: this.#examiner.rules,
        rulesFor: this.#examiner.rules.entriesOf(path),
        settledBefore: isLastTry(item, cause) ? undefined : BigInt(Math.round(now() - settleMs)) * 1_000_000n,
        isDeferred: false,
      };
      yield* this.#entries(visit);
      if (visit.isDeferred) this.#defer(item, cause);
    } catch (error) {
      if (!(error instanceof Unreadable) && codeOf(error) === 'error') throw error;
      const reason = error instanceof Unreadable ? error.message : codeOf(error);
      log(`can't be listed (${reason}): ${item.path}`);
      this.#unread(item, item.path, reason);
    } finally {
      folder?.close();
    }
  }

  /** Only walks come to everything, so that they alone can say what can't be read. */
  #unread({ lane }: Pending, key: string, reason: string): void {
    if (lane >= LANE.walk) this.#examiner.parts.unread.note(key, reason);
  }

  #vanished(key: string, cause: Cause): void {
    if (!this.#store.baseline.hasBelow(key)) return;
    this.#examiner.lookForGone(key, withoutActors(cause, cause.unknown), 0);
  }

  #defer(item: Pending, cause: Cause): void {
    const { now, settleMs } = this.#examiner.parts;
    const again = JSON.stringify({ ...cause, tries: cause.tries + 1 });
    this.#store.pending.add({ ...item, cause: again, due: now() + settleMs });
  }

  *#entries(visit: Visit): Generator<void, void> {
    const seen = new Set<string>();
    let entries = 0;
    for (const piece of visit.folder.entries()) {
      for (const entry of piece) {
        const isThere = yield* this.#entry(visit, entry);
        if (isThere && !visit.known.isLarge) seen.add(entry.name);
        entries += 1;
        if (entries % ENTRIES_AT_ONCE === 0) yield;
      }
    }
    yield* this.#missing(visit, seen);
  }

  /** One name of the directory. Returns whether something stands there. */
  *#entry(visit: Visit, { name, isFile }: Entry): Generator<void, boolean> {
    const { os, looker, reconciler, log } = this.#examiner.parts;
    const { folder, known, cause } = visit;
    const path = joinPath(visit.path, name, os);
    const encoded = encodePath(name, os);
    const row = known.get(encoded);
    // A file that no rule includes is never known: it would be read on every walk.
    const rules = this.#rulesFor(visit, name, row !== undefined || !isFile);
    if (rules.length === 0) return true;
    const subject = { path, name, key: joinPath(visit.key, encoded, os), rules };
    if (row === undefined && this.#isAwaited(subject.key, cause)) return true;
    const mine = cause.from === undefined ? cause : { ...cause, from: joinPath(cause.from, encoded, os) };
    // What came along with its directory is known from where it was: it is neither read again nor waited for.
    const moved =
      row === undefined && mine.from !== undefined ? this.#store.baseline.get(mine.from) : undefined;
    // Written after its directory was moved: who did that is still on its way here.
    const movedAt = BigInt(Math.round(cause.at)) * 1_000_000n;
    const settledBefore =
      visit.settledBefore === undefined || moved === undefined ? visit.settledBefore : movedAt;
    let found: Found | typeof UNSETTLED | undefined;
    try {
      found = yield* looker.look(folder, name, {
        known: row ?? moved,
        isFile,
        contentBytes: this.#examiner.contentBytes(subject),
        ...(settledBefore === undefined ? {} : { settledBefore }),
      });
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      log(`can't be looked at (${error.message}): ${subject.key}`);
      this.#unread(visit.item, subject.key, error.message);
      return true;
    }
    if (found === UNSETTLED) return this.#unsettled(visit, path, row);
    if (found === undefined) return false;
    const covering = this.#rulesFor(visit, name, found.row.type === 'dir');
    if (covering.length === 0) return row === undefined;
    if (found.row.unhashed !== null) this.#unread(visit.item, subject.key, found.row.unhashed);
    const before = known.get(encoded);
    const outcome = reconciler.present({ ...subject, rules: covering }, before, found, mine);
    known.wrote(outcome.origin !== undefined);
    this.#onwards(visit, path, subject.key, before, mine, outcome);
    return true;
  }

  /** Whether an entry of a new directory waits for a look of its own, which knows who made it. */
  #isAwaited(key: string, cause: Cause): boolean {
    return cause.inherited === true && this.#store.pending.causeOf('look', key, LANE.live) !== undefined;
  }

  /** Rules may be set in the middle of a directory. */
  #rulesFor(visit: Visit, name: string, isDirectory: boolean): readonly FimRule[] {
    const { rules } = this.#examiner;
    if (visit.ruleSet !== rules) {
      visit.ruleSet = rules;
      visit.rulesFor = rules.entriesOf(visit.path);
    }
    return visit.rulesFor(name, isDirectory);
  }

  /** Looked at later; what is below a directory that is known need not wait. */
  #unsettled(visit: Visit, path: string, row: Row | undefined): true {
    visit.isDeferred = true;
    if (row?.type === 'dir' && visit.cause.tries === 0) this.#enter(visit.item, path, visit.cause, undefined);
    return true;
  }

  #onwards(
    visit: Visit,
    path: string,
    key: string,
    before: Row | undefined,
    cause: Cause,
    outcome: Outcome,
  ): void {
    if (before?.type === 'dir' && !outcome.isDirectory) this.#vanished(key, cause);
    if (!outcome.isDirectory) return;
    if (outcome.origin !== undefined) this.#leftovers(visit.item, outcome.origin, cause);
    if (visit.cause.tries === 0 || outcome.isNew) this.#enter(visit.item, path, cause, outcome);
  }

  /** What a moved directory left behind, after it was compared at its new place. */
  #leftovers(item: Pending, origin: string, cause: Cause): void {
    const { now, settleMs } = this.#examiner.parts;
    const mine = JSON.stringify(withoutActors(cause, 'it was gone when its directory was moved'));
    const due = now() + LEFTOVERS_AFTER * settleMs;
    this.#store.pending.add({ kind: 'gone', lane: item.lane, path: origin, cause: mine, due });
  }

  /** What is known and was not found; a directory that changed just now is left for later. */
  *#missing(visit: Visit, seen: ReadonlySet<string>): Generator<void, void> {
    const { os } = this.#examiner.parts;
    const { settledBefore, folder, known, path, cause } = visit;
    const isUnsettled = settledBefore !== undefined && folder.stat().ctimeNs > settledBefore;
    // Whoever moved the directory here did not take away what was known here before.
    const mine = withoutActors(cause, cause.unknown);
    for (const encoded of known.names()) {
      const name = decodePath(encoded, os);
      if (seen.has(name) || (known.isLarge && folder.lstat(name) !== undefined)) continue;
      if (isUnsettled) {
        visit.isDeferred = true;
        return;
      }
      yield* this.#examiner.examine(joinPath(path, name, os), mine);
      yield;
    }
  }

  /** The entries of a directory are next, if rules cover them. */
  #enter(item: Pending, path: string, cause: Cause, outcome: Outcome | undefined): void {
    const { os } = this.#examiner.parts;
    if (this.#examiner.rules.interest(path).entries !== 'all') return;
    const { from, ...rest } = cause;
    const origin = outcome?.origin ?? from;
    const next: Cause = { ...rest, tries: 0, ...(origin === undefined ? {} : { from: origin }) };
    this.#store.pending.add({
      lane: item.lane,
      kind: 'directory',
      path: encodePath(path, os),
      cause: JSON.stringify(next),
      due: 0,
    });
  }
}

type Baseline = Examiner['parts']['store']['baseline'];

/** The known entries of one directory: in memory as long as nobody else changes the baseline, one by one after that. */
class KnownEntries {
  readonly isLarge: boolean;
  readonly #baseline: Baseline;
  readonly #directory: string;
  readonly #os: Examiner['parts']['os'];
  readonly #entries: Map<string, Row> | undefined;
  #version: number;
  #isStale = false;

  constructor(baseline: Baseline, directory: string, isLarge: boolean, os: Examiner['parts']['os']) {
    this.isLarge = isLarge;
    this.#baseline = baseline;
    this.#directory = directory;
    this.#os = os;
    this.#entries = isLarge ? undefined : baseline.children(directory);
    this.#version = baseline.version;
  }

  /** The row of a name, encoded, as the baseline has it now. */
  get(name: string): Row | undefined {
    if (this.#version !== this.#baseline.version) this.#isStale = true;
    if (this.#entries !== undefined && !this.#isStale) return this.#entries.get(name);
    return this.#baseline.get(joinPath(this.#directory, name, this.#os));
  }

  /** What was just written is the caller's own, about a name that is not asked for again; and another, if one was moved. */
  wrote(isOfOthers: boolean): void {
    if (isOfOthers) this.#isStale = true;
    this.#version = this.#baseline.version;
  }

  /** Names that were known at first, or are now where there are too many to keep; encoded. */
  *names(): Generator<string> {
    if (this.#entries !== undefined) {
      yield* this.#entries.keys();
      return;
    }
    let after = '';
    for (;;) {
      const page = this.#baseline.namesAfter(this.#directory, after);
      const last = page.at(-1);
      if (last === undefined) return;
      yield* page;
      after = last;
    }
  }
}
