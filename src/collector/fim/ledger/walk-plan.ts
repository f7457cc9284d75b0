import type { Detection } from '../../../shared/host-events.ts';
import type { Os } from '../../table.ts';
import type { LostChanges } from '../change.ts';
import type { RuleSet } from '../rule-set.ts';
import { walked } from './cause.ts';
import { encodePath, isWithin, splitPath } from './host-path.ts';
import { LANE } from './pending.ts';
import type { LedgerStore } from './store.ts';

/** Where the time of the last walk of everything is kept, ms since the epoch. */
const WALKED = 'walked.at';
/** Whether what is walked is everything, or what may have changed unseen. */
const WHOLE = 'walked.whole';

/** Decides what is walked when, and keeps that in `pending`. All calls work in the open transaction. */
export class WalkPlan {
  readonly #store: LedgerStore;
  readonly #os: Os;

  constructor(store: LedgerStore, os: Os) {
    this.#store = store;
    this.#os = os;
  }

  /** When the last walk of everything ended, ms since the epoch; `undefined` before the first. */
  get walkedAt(): number | undefined {
    return this.#store.meta.number(WALKED);
  }

  get isWalking(): boolean {
    return this.#store.pending.hasFrom(LANE.walk);
  }

  /**
   * A walk of everything that rules name, behind one that is under way: that one does not see what changed behind its back
   * while the process was not there.
   */
  walkAll(rules: RuleSet, detected: Exclude<Detection, 'live'>, at: number): void {
    const lane = this.isWalking ? LANE.secondWalk : LANE.walk;
    this.#store.meta.set(WHOLE, '1');
    for (const root of this.#outermost(rules)) this.#walk(root, lane, detected, at);
  }

  /** What no rule covers any more is forgotten. */
  purge(): void {
    this.#store.pending.add({ kind: 'purge', lane: LANE.walk, path: '', cause: '{}', due: 0 });
  }

  /** A walk of what may have changed unseen. */
  walkLost(rules: RuleSet, { below, reason }: LostChanges, at: number): void {
    const detected = reason === 'restart' ? 'baseline' : 'rescan';
    if (below.length === 0) {
      this.walkAll(rules, detected, at);
      return;
    }
    const roots = this.#outermost(rules);
    for (const path of below) {
      const within = roots.filter((root) => isWithin(path, root, this.#os));
      const isCovered = rules.rulesFor(path, true).length > 0 || rules.interest(path).entries === 'all';
      for (const found of isCovered ? [path, ...within] : within) this.#walk(found, LANE.walk, detected, at);
    }
  }

  /** Nothing is left to walk. Returns whether everything was: the time of the next walk counts from that. */
  ended(at: number): boolean {
    this.#store.establishAll();
    this.#store.baseline.tidy();
    const isWhole = this.#store.meta.get(WHOLE) === '1';
    if (isWhole) this.#store.meta.set(WALKED, String(Math.round(at)));
    this.#store.meta.set(WHOLE, '0');
    return isWhole;
  }

  /** Roots that the walk of no other root comes to. */
  #outermost(rules: RuleSet): string[] {
    return rules.roots().filter((root) => {
      const { parent, name } = splitPath(root, this.#os);
      return name === '' || rules.interest(parent).entries !== 'all';
    });
  }

  #walk(path: string, lane: number, detected: Exclude<Detection, 'live'>, at: number): void {
    const cause = JSON.stringify(walked(detected, at));
    this.#store.pending.add({ kind: 'look', lane, path: encodePath(path, this.#os), cause, due: 0 });
  }
}
