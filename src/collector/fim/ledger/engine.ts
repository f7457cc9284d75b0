import type { FimRule } from '../../../shared/file-integrity.ts';
import type { Os } from '../../table.ts';
import { RuleSet } from '../rule-set.ts';
import { heard } from './cause.ts';
import { Examiner, LEFTOVERS_AFTER } from './examine.ts';
import { ExtendedAttributes } from './extended-attributes.ts';
import { encodePath, splitPath } from './host-path.ts';
import { Looker } from './look.ts';
import type { Examination } from './messages.ts';
import { localNames } from './names.ts';
import { LANE } from './pending.ts';
import { PackageFiles } from './package-files.ts';
import { Reconciler } from './reconcile.ts';
import { rootTroubles } from './roots.ts';
import { Runner } from './runner.ts';
import type { LedgerStore } from './store.ts';
import { UnreadPaths } from './unread.ts';
import { WalkPlan } from './walk-plan.ts';
import { Walker } from './walk.ts';

/** Steps of an examination that are waited for: 8 MB of a file. What takes longer is done between others. */
const INLINE_STEPS = 32;

export interface EngineOptions {
  readonly os: Os;
  readonly now: () => number;
  readonly newId: () => string;
  readonly settleMs: number;
  readonly mostHashed?: number | undefined;
  /** Called for every event of file integrity. */
  readonly onEvent: () => void;
  readonly log: (message: string) => void;
  /** Names of work that is left out (`workName`). */
  readonly skipped: ReadonlySet<string>;
}

/** Everything that works on one open ledger. */
export class Engine {
  readonly store: LedgerStore;
  readonly plan: WalkPlan;
  /** What was heard of live, as fast as it goes. */
  readonly live: Runner;
  /** Walks, which are paced. */
  readonly paced: Runner;
  readonly unread = new UnreadPaths();
  readonly #os: Os;
  readonly #now: () => number;
  readonly #reconciler: Reconciler;
  readonly #examiner: Examiner;
  readonly #packages: PackageFiles;
  #given: readonly FimRule[] | undefined;
  #established: ReadonlySet<string> = new Set();
  /** Roots of rules and the directories above them. */
  #above: ReadonlySet<string> = new Set();
  #mustLookAtRoots = false;
  /** Where large files were that are still being read where they went: looked at before that they would count as deleted. */
  readonly #awaited = new Set<string>();
  readonly #settleMs: number;

  constructor(store: LedgerStore, options: EngineOptions) {
    const { os, now, newId, settleMs, mostHashed, onEvent, log, skipped } = options;
    this.store = store;
    this.#os = os;
    this.#now = now;
    this.#settleMs = settleMs;
    this.plan = new WalkPlan(store, os);
    this.#packages = new PackageFiles({ place: { root: '/', os }, now });
    this.#reconciler = new Reconciler({
      store,
      os,
      names: localNames(os, now),
      rulesOf: (path, isDirectory) => this.rules.rulesFor(path, isDirectory),
      newId,
      onEvent,
      installerOf: (path, row) => this.#packages.installerOf(path, row, this.plan.walkedAt ?? Infinity),
    });
    const looker = new Looker(new ExtendedAttributes(process.platform), os, now, mostHashed);
    const parts = {
      store,
      os,
      looker,
      reconciler: this.#reconciler,
      now,
      settleMs,
      unread: this.unread,
      log,
    };
    this.#examiner = new Examiner(parts, new RuleSet([], [], os));
    const walker = new Walker(this.#examiner);
    this.live = new Runner(store, walker, LANE.moved, LANE.live, skipped);
    this.paced = new Runner(store, walker, LANE.walk, LANE.secondWalk, skipped);
  }

  get rules(): RuleSet {
    return this.#examiner.rules;
  }

  /** The rules in force, in the open transaction. */
  setRules(rules: readonly FimRule[], own: readonly string[]): void {
    this.#examiner.rules = new RuleSet(rules, own, this.#os);
    const isFirst = this.#given === undefined;
    const isChanged = this.store.setRules(rules, own);
    this.#given = rules;
    this.#above = new Set(this.rules.roots().flatMap((root) => ancestors(root, this.#os)));
    this.refresh();
    if (isChanged || isFirst) this.plan.walkAll(this.rules, 'baseline', this.#now());
    if (isChanged && this.store.baseline.entries > 0) this.plan.purge();
  }

  /** Whether the first walk of every rule is over. */
  get isEstablished(): boolean {
    return this.#established.size >= (this.#given?.length ?? 0);
  }

  /** How the paths of the rules stand, if that may have changed since the last call. */
  takeTroubles(): ReturnType<typeof rootTroubles> | undefined {
    if (!this.#mustLookAtRoots) return undefined;
    this.#mustLookAtRoots = false;
    return rootTroubles(this.#given ?? []);
  }

  /** Nothing is left to walk, in the open transaction. */
  walkEnded(): void {
    this.unread.walkEnded(this.plan.ended(this.#now()));
    this.#packages.forget();
    this.refresh();
  }

  /** What is kept in memory of the ledger's state is read again. */
  refresh(): void {
    this.#established = this.store.established();
    this.#reconciler.establish(this.#established);
    this.#mustLookAtRoots = true;
  }

  /** Looks at one path, in the open transaction; a large file is left to the live lane, which outlives the process. */
  examine(item: Examination): void {
    if (this.#above.has(item.path)) this.#mustLookAtRoots = true;
    const cause = this.#examiner.heardBefore(item.path, heard(item, this.#os));
    if (this.#awaited.delete(item.path)) {
      this.#examiner.postpone(item.path, cause, this.#now() + LEFTOVERS_AFTER * this.#settleMs);
      return;
    }
    const steps = this.#examiner.examine(item.path, cause);
    for (let step = 0; step < INLINE_STEPS; step += 1) if (steps.next().done === true) return;
    steps.return(undefined);
    this.#examiner.postpone(item.path, cause, 0);
    if (item.from !== undefined && this.store.baseline.get(encodePath(item.from, this.#os)) !== undefined)
      this.#awaited.add(item.from);
  }

  close(): void {
    this.live.drop();
    this.paced.drop();
    this.store.close();
  }
}

function ancestors(path: string, os: Os): string[] {
  const found = [path];
  for (let at = path, { parent } = splitPath(at, os); parent !== at; { parent } = splitPath(at, os)) {
    found.push(parent);
    at = parent;
  }
  return found;
}
