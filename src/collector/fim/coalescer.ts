import type { StartTimer } from '../debounce.ts';
import { forgetOldest } from '../forget-oldest.ts';
import type { Os } from '../table.ts';
import { CHANGE, type LostChanges, type RawChange } from './change.ts';
import { isWithin } from './ledger/host-path.ts';
import type { Examination } from './ledger/messages.ts';
import { addTo, examinationOf, GONE, inherit, pendingOf, type Pending } from './pending.ts';

/** How long a path rests after it was looked at, first and at most, ms: it doubles while changes keep coming. */
const REST_FIRST_MS = 500;
const REST_MAX_MS = 30_000;
/** What a new file waits for its close, ms; one that is only written to, for it to be closed. */
const CREATED_MS = 100;
const OPEN_MS = 2_000;
/** A move waits for its target to rest no longer than this, ms: a walk takes what is missing for deleted after 5 s. */
const MOVED_MS = 4_000;

/** Bounds: paths that wait, paths of which it is known when they were looked at, paths of one batch. */
export const COALESCER_LIMITS = { pending: 100_000, recent: 10_000, batch: 500 } as const;

/** Batches that the ledger may have at a time: the next one is ready when it is done with one. */
const AHEAD = 2;

const AT_ONCE =
  CHANGE.closedAfterWrite | CHANGE.deleted | CHANGE.movedFrom | CHANGE.movedTo | CHANGE.attributes;

export interface CoalescerOptions {
  readonly os: Os;
  /** Name of the source, for `event.provider`. */
  readonly provider: () => string;
  readonly now: () => number;
  readonly startTimer: StartTimer;
  /** Hands a batch to the ledger; `examined` is to be called once it is done with it. */
  readonly examine: (batch: number, items: readonly Examination[]) => void;
  /** More waits than may: these trees are walked instead. */
  readonly lost: (lost: LostChanges) => void;
}

/**
 * Gathers what was heard per path until the path is looked at. What is reported afterwards is the difference between
 * the baseline and the disk at that moment, so gathering hides no net change; it only saves looks at a file that changes
 * all the time.
 */
export class Coalescer {
  readonly #options: CoalescerOptions;
  readonly #pending = new Map<string, Pending>();
  /** When a path was last looked at and how long it rests; the least recent first. */
  readonly #recent = new Map<string, { at: number; restMs: number }>();
  #batch = 0;
  #underWay = 0;
  #cancelTimer: () => void = () => undefined;
  #timerAt = Number.POSITIVE_INFINITY;

  constructor(options: CoalescerOptions) {
    this.#options = options;
  }

  /** Paths that wait to be looked at. */
  get size(): number {
    return this.#pending.size;
  }

  /** Takes what a source heard, in its order. */
  take(changes: readonly RawChange[]): void {
    for (const change of changes) this.#take(change);
    if (this.#pending.size > COALESCER_LIMITS.pending) this.#giveUp();
    this.#flush();
  }

  /** The ledger is done with a batch. */
  examined(): void {
    this.#underWay -= 1;
    this.#flush();
  }

  #take(change: RawChange): void {
    const dueAt = this.#dueAt(change);
    const known = this.#pending.get(change.path);
    const wasGone = known?.isGone === true;
    const pending = known ?? pendingOf(change, dueAt);
    if (known === undefined) this.#pending.set(change.path, pending);
    else addTo(pending, change);
    // What is back rests as if it had not been gone.
    pending.dueAt = wasGone && !pending.isGone ? dueAt : Math.min(pending.dueAt, dueAt);
    if (change.from !== undefined) this.#moved(change.from, change, pending);
  }

  #moved(from: string, { path, directory, at }: RawChange, pending: Pending): void {
    const old = this.#pending.get(from);
    if (old !== undefined) {
      inherit(pending, old);
      if (old.isGone) {
        // One fact under two names: looked for alone, what was moved away would count as deleted.
        pending.dueAt = Math.min(pending.dueAt, at + MOVED_MS);
        old.dueAt = pending.dueAt;
        old.to = path;
      }
    }
    if (directory) this.#follow(from, path);
  }

  /** What waited below a directory waits where it was moved to, behind the move itself; what was gone before is gone. */
  #follow(from: string, to: string): void {
    const moved = [...this.#pending].filter(
      ([path, { isGone }]) => !isGone && path !== from && isWithin(from, path, this.#options.os),
    );
    for (const [path, pending] of moved) {
      const target = to + path.slice(from.length);
      const there = this.#pending.get(target);
      if (there !== undefined) inherit(pending, there);
      this.#pending.delete(path);
      this.#pending.delete(target);
      this.#pending.set(target, pending);
    }
  }

  /**
   * What is gone is looked at without a rest: that costs next to nothing, and says who did it before the directory is
   * compared.
   */
  #dueAt({ path, what, directory, at }: RawChange): number {
    if ((what & GONE) !== 0) return at;
    const recent = this.#recent.get(path);
    const rested = recent === undefined ? 0 : recent.at + recent.restMs;
    return Math.max(rested, at + waitOf(what, directory));
  }

  #flush(): void {
    while (this.#underWay < AHEAD) {
      const items = this.#due();
      if (items.length === 0) break;
      this.#batch += 1;
      this.#underWay += 1;
      this.#options.examine(this.#batch, items);
    }
    if (this.#underWay < AHEAD) this.#arm();
  }

  #due(): Examination[] {
    const now = this.#options.now();
    const items: Examination[] = [];
    for (const [path, { dueAt }] of this.#pending) {
      if (dueAt > now) continue;
      for (const end of this.#endsOf(path)) this.#hand(end, now, items);
      if (items.length >= COALESCER_LIMITS.batch) break;
    }
    return items;
  }

  /** A path that waits, with the other ends of its move, whether they still wait or not: up to a batch of a chain of moves. */
  #endsOf(path: string): Set<string> {
    const ends = new Set([path]);
    for (const end of ends) {
      const { from, to } = this.#pending.get(end) ?? {};
      if (from !== undefined && this.#pending.get(from)?.isGone === true) ends.add(from);
      if (to !== undefined) ends.add(to);
      if (ends.size >= COALESCER_LIMITS.batch) break;
    }
    return ends;
  }

  /** Hands over what waits of this path, if anything does. */
  #hand(path: string, now: number, items: Examination[]): void {
    const pending = this.#pending.get(path);
    if (pending === undefined) return;
    this.#pending.delete(path);
    this.#rest(path, now);
    items.push(examinationOf(path, pending, this.#options.provider()));
  }

  #rest(path: string, now: number): void {
    const before = this.#recent.get(path);
    const busy = before !== undefined && now < before.at + 2 * before.restMs;
    const restMs = busy ? Math.min(REST_MAX_MS, before.restMs * 2) : REST_FIRST_MS;
    this.#recent.delete(path);
    this.#recent.set(path, { at: now, restMs });
    forgetOldest(this.#recent, COALESCER_LIMITS.recent);
  }

  /** Wakes for the first that is due. The waits are few and bounded, so looking through what waits is enough. */
  #arm(): void {
    let first = Number.POSITIVE_INFINITY;
    for (const { dueAt } of this.#pending.values()) first = Math.min(first, dueAt);
    if (first === this.#timerAt) return;
    this.#cancelTimer();
    this.#timerAt = first;
    if (!Number.isFinite(first)) return;
    this.#cancelTimer = this.#options.startTimer(Math.max(0, first - this.#options.now()), () => {
      this.#timerAt = Number.POSITIVE_INFINITY;
      this.#flush();
    });
  }

  #giveUp(): void {
    const count = this.#pending.size;
    this.#cancelTimer();
    this.#timerAt = Number.POSITIVE_INFINITY;
    this.#pending.clear();
    this.#recent.clear();
    this.#options.lost({ reason: 'overflow', below: [], count });
  }
}

/** How long it is worth waiting for more, ms. */
function waitOf(what: number, directory: boolean): number {
  if (directory || (what & AT_ONCE) !== 0) return 0;
  return (what & CHANGE.created) !== 0 ? CREATED_MS : OPEN_MS;
}
