import { EVENT_STREAMS } from '../../../shared/host-events.ts';
import { encodeText } from '../../../wire/encode.ts';
import type { Os } from '../../table.ts';
import { BatchQueue } from './batch-queue.ts';
import { Engine } from './engine.ts';
import { EventRate } from './event-rate.ts';
import type { FromLedger, ToLedger } from './messages.ts';
import { ProcessIntake } from './process-intake.ts';
import { limitedLog, Progress } from './progress.ts';
import { workName } from './runner.ts';
import { LedgerStore } from './store.ts';
import { faultOf, LedgerError } from './unavailable.ts';

/** What the ledger needs of the outside. */
export interface LedgerHost {
  /** Path of the database file; its directory is made if need be. */
  readonly file: string;
  readonly os: Os;
  /** Ms since the epoch: the clock that files get their times from. */
  readonly now: () => number;
  /** Ms of a clock that nobody sets. */
  readonly elapsed: () => number;
  /** A new random UUID in lower case. */
  readonly newId: () => string;
  /** Calls once after so many ms, messages that have arrived before it; returns how to take it back. */
  readonly schedule: (ms: number, call: () => void) => () => void;
  readonly post: (message: FromLedger) => void;
  /** How long what a source heard may take to arrive here, ms. A walk leaves what changed since then for later. */
  readonly settleMs?: number;
  /** Largest file that is hashed, bytes. */
  readonly mostHashed?: number;
}

export const SETTLE_MS = 5_000;
/** Work between two looks at what has arrived, ms. */
const SLICE_MS = 10;
/** A walk is made durable this often, ms: what a kill makes it do again. */
const COMMIT_MS = 1_000;
/** While more is heard than can be looked at, what was looked at is made durable this often, ms: each time waits for the disk. */
const GROUP_MS = 50;
/** Until the disk is tried again, ms. */
const RETRY_MS = 5_000;
/** Log lines of one walk about what can't be looked at. */
const MOST_LINES = 20;
const HOUR_MS = 3_600_000;
/** Longest sleep, ms: the clock on the wall may be set meanwhile. */
const MOST_WAIT_MS = 600_000;

type Rules = Extract<ToLedger, { kind: 'rules' }>;

/** When the next turn is due, and whether what was written until then may wait for it before it is made durable. */
interface Next {
  readonly wait: number;
  readonly keepsOpen: boolean;
}
const IDLE: Next = { wait: Infinity, keepsOpen: false };
const AT_ONCE: Next = { wait: 0, keepsOpen: false };

/** Something that messages ask for, done in the next transaction. */
type Order = (engine: Engine) => void;

/**
 * The ledger: takes what sources heard, looks at files, and sends sealed events until the queue has them. One thread, one
 * turn after the other; between two turns messages are taken. What is reported as examined, and every event that is
 * sent, is durable. Whatever goes wrong with the file undoes the transaction and closes it; it is opened again, and what was
 * not durable is done again.
 */
export class Ledger {
  readonly #host: LedgerHost;
  readonly #batches = new BatchQueue();
  readonly #intake: ProcessIntake;
  readonly #progress: Progress;
  readonly #rate: EventRate;
  /** Work that failed for a reason nobody foresaw, and is left to the next walk. */
  readonly #skipped = new Set<string>();
  #engine: Engine | undefined;
  #rules: Rules | undefined;
  #orders: Order[] = [];
  #obeyed: Order[] = [];
  #examining: string | undefined;
  #isPaused = false;
  #isEnded = false;
  #mustSetAside = false;
  #begunAt = 0;
  #restUntil = 0;
  #wake: { readonly at: number; readonly cancel: () => void } | undefined;

  constructor(host: LedgerHost) {
    this.#host = host;
    this.#intake = new ProcessIntake(host.newId);
    this.#progress = new Progress(host.post, host.elapsed);
    this.#rate = new EventRate(host.elapsed);
  }

  /** Takes one message; what it asks for is done in a later turn, but for `stop`, which makes durable what is and closes. */
  receive(message: Exclude<ToLedger, { kind: 'ping' }>): void {
    if (this.#isEnded) return;
    if (message.kind === 'stop') {
      this.#end();
      return;
    }
    this.#take(message);
    this.#wakeIn(0);
  }

  #take(message: Exclude<ToLedger, { kind: 'stop' | 'ping' }>): void {
    switch (message.kind) {
      case 'rules':
        this.#rules = message;
        if (this.#engine !== undefined) this.#orders.push(setRules(message));
        break;
      case 'rest':
        this.#rest();
        break;
      case 'examine':
        this.#batches.add(message.batch, message.items);
        break;
      case 'append':
        this.#intake.add(message.events);
        break;
      case 'lost':
        this.#orders.push(({ plan, rules }) => {
          plan.walkLost(rules, message.lost, this.#host.now());
        });
        break;
      case 'taken':
        this.#orders.push(({ store }) => {
          store.spool.taken(message.stream, message.chain, message.upTo);
        });
        break;
      case 'pause':
      case 'resume':
        this.#isPaused = message.kind === 'pause';
        break;
    }
  }

  /** The file is opened anew, so that the next rules are the first: a walk by them follows. */
  #rest(): void {
    this.#rules = undefined;
    this.#orders = this.#orders.filter((order) => !RULES.has(order));
    const engine = this.#engine;
    if (engine === undefined) return;
    try {
      if (engine.store.inTransaction) this.#commit(engine);
      engine.close();
      this.#engine = undefined;
    } catch (error) {
      this.#failed(faultOf(error));
    }
  }

  #end(): void {
    this.#isEnded = true;
    this.#wake?.cancel();
    try {
      this.#engine?.store.commit();
    } catch {
      // What is not durable is done again the next time.
    }
    this.#engine?.close();
  }

  #wakeIn(ms: number): void {
    const at = this.#host.elapsed() + ms;
    if (this.#isEnded || (this.#wake !== undefined && this.#wake.at <= at)) return;
    this.#wake?.cancel();
    const call = (): void => {
      this.#wake = undefined;
      this.#turn();
    };
    this.#wake = { at, cancel: this.#host.schedule(ms, call) };
  }

  #turn(): void {
    if (this.#isEnded) return;
    try {
      const engine = (this.#engine ??= this.#open());
      const wait = this.#work(engine);
      const next = Math.min(wait, this.#report(engine));
      if (Number.isFinite(next)) this.#wakeIn(Math.max(0, next));
    } catch (error) {
      this.#failed(faultOf(error));
    }
  }

  #open(): Engine {
    const { file, os, now, newId, settleMs = SETTLE_MS, mostHashed } = this.#host;
    const store = new LedgerStore({ file, os, now, newId, mustSetAside: this.#mustSetAside });
    this.#mustSetAside = false;
    if (store.setAside !== undefined) {
      this.#log('warn', `the ledger was damaged and is now ${store.setAside}: everything is taken in anew`);
    }
    if (this.#rules !== undefined) this.#orders.unshift(setRules(this.#rules));
    const onEvent = (): void => {
      this.#rate.count('fim');
    };
    const log = limitedLog(MOST_LINES, (message) => {
      this.#log('warn', message);
    });
    return new Engine(store, { os, now, newId, settleMs, mostHashed, onEvent, log, skipped: this.#skipped });
  }

  /** One turn. Returns in how many ms the next one is due, infinite if only a message can bring work. */
  #work(engine: Engine): number {
    if (!engine.store.inTransaction) this.#begunAt = this.#host.elapsed();
    engine.store.begin();
    const orders = this.#orders.splice(0);
    this.#obeyed.push(...orders);
    for (const order of orders) order(engine);
    const sealed = this.#intake.seal(engine.store, this.#host.now());
    for (const stream of sealed) this.#rate.count(stream);
    const isHeld = engine.store.spool.isFull || this.#rules === undefined;
    const hasExamined = !isHeld && this.#examine(engine);
    const next = isHeld ? IDLE : hasExamined ? AT_ONCE : this.#pending(engine);
    const isAsked = sealed.length > 0 || orders.length > 0;
    if (this.#isCommitDue(next, hasExamined, isAsked)) this.#commit(engine);
    return this.#intake.isEmpty ? next.wait : 0;
  }

  /** Whether what was done is made durable now: at once, but while more of what was heard waits, in groups. */
  #isCommitDue(next: Next, hasExamined: boolean, isAsked: boolean): boolean {
    const openMs = this.#host.elapsed() - this.#begunAt;
    if (hasExamined && !this.#batches.isEmpty) return openMs >= GROUP_MS;
    return hasExamined || isAsked || !next.keepsOpen || openMs >= COMMIT_MS;
  }

  /** Looks at what sources heard of, for a slice. Returns whether there was any. */
  #examine(engine: Engine): boolean {
    if (this.#batches.isEmpty) return false;
    const until = this.#host.elapsed() + SLICE_MS;
    for (let item = this.#batches.take(); item !== undefined; item = this.#batches.take()) {
      this.#examining = item.path;
      if (!this.#skipped.has(`examine ${item.path}`)) engine.examine(item);
      if (this.#host.elapsed() >= until) break;
    }
    this.#examining = undefined;
    return true;
  }

  /** What is pending, for a slice: what was heard live first, walks as fast as their share allows. */
  #pending(engine: Engine): Next {
    const { now, elapsed } = this.#host;
    const begun = elapsed();
    const isOver = (): boolean => elapsed() - begun >= SLICE_MS;
    if (engine.live.hasWork(now())) {
      engine.live.run(now(), isOver);
      return { wait: 0, keepsOpen: false };
    }
    this.#planRescan(engine);
    if (!engine.paced.hasWork(now())) return { wait: this.#untilDue(engine), keepsOpen: false };
    if (this.#restUntil > begun) return { wait: this.#restUntil - begun, keepsOpen: true };
    engine.paced.run(now(), isOver);
    const worked = elapsed() - begun;
    this.#restUntil = begun + worked * (100 / (this.#rules?.sharePct ?? 100));
    if (engine.plan.isWalking) return { wait: this.#restUntil - elapsed(), keepsOpen: true };
    engine.walkEnded();
    return AT_ONCE;
  }

  #planRescan({ plan, rules }: Engine): void {
    const at = this.#rescanAt(plan.walkedAt);
    if (at !== null && this.#host.now() >= at && !plan.isWalking)
      plan.walkAll(rules, 'rescan', this.#host.now());
  }

  #rescanAt(walkedAt: number | undefined): number | null {
    if (this.#rules === undefined || walkedAt === undefined || this.#rules.rules.length === 0) return null;
    return walkedAt + this.#rules.rescanHours * HOUR_MS;
  }

  /** Ms until something is to be done without a message. */
  #untilDue({ store, plan }: Engine): number {
    const at = Math.min(store.pending.dueAt() ?? Infinity, this.#rescanAt(plan.walkedAt) ?? Infinity);
    return Math.min(MOST_WAIT_MS, Math.max(0, at - this.#host.now()));
  }

  #commit({ store }: Engine): void {
    store.commit();
    // The disk takes what is written: to begin was not enough to know.
    this.#progress.tell({ kind: 'stopped', text: '' });
    this.#obeyed = [];
    this.#intake.committed();
    for (const batch of this.#batches.committed()) this.#host.post({ kind: 'examined', batch });
    if (this.#isPaused) return;
    for (const stream of EVENT_STREAMS) {
      for (let next = store.spool.ship(stream); next !== undefined; next = store.spool.ship(stream)) {
        this.#host.post({ kind: 'events', ...next });
      }
    }
  }

  /** Says how things stand. Returns in how many ms to say more. */
  #report(engine: Engine): number {
    const troubles = engine.takeTroubles();
    if (troubles !== undefined) this.#progress.tell({ kind: 'rules', troubles });
    const { plan, store } = engine;
    return this.#progress.tell({
      kind: 'baseline',
      state: this.#stateOf(engine),
      entries: store.baseline.entries,
      completedAt: plan.walkedAt ?? null,
      nextRescanAt: this.#rescanAt(plan.walkedAt),
      spooled: store.spool.count,
      eventsLastHour: this.#rate.lastHour(),
      unreadable: engine.unread.report,
    });
  }

  #stateOf(engine: Engine): 'none' | 'building' | 'complete' {
    if (this.#rules === undefined || this.#rules.rules.length === 0) return 'none';
    return engine.isEstablished ? 'complete' : 'building';
  }

  /** Everything that is not durable is undone and done again, after a while if the disk takes nothing. */
  #failed(error: unknown): void {
    const fault = error instanceof LedgerError ? error.fault : undefined;
    if (fault === undefined) this.#skipCulprit(error);
    this.#engine?.close();
    this.#engine = undefined;
    this.#examining = undefined;
    // Rules are set anew when the ledger is opened.
    this.#orders = [...this.#obeyed, ...this.#orders].filter((order) => !RULES.has(order));
    this.#obeyed = [];
    this.#intake.rolledBack();
    this.#batches.rolledBack();
    if (fault === 'DAMAGED') this.#mustSetAside = true;
    const isWaiting = fault === 'STOPPED' || fault === 'REFUSED';
    if (isWaiting && error instanceof Error) this.#progress.tell({ kind: 'stopped', text: error.message });
    this.#wakeIn(isWaiting ? RETRY_MS : 0);
  }

  /** A fault of this program must neither stop everything else nor come again at once. Throws it where nothing is to blame. */
  #skipCulprit(error: unknown): void {
    const item = this.#engine?.live.current ?? this.#engine?.paced.current;
    const culprit = this.#examining === undefined ? item && workName(item) : `examine ${this.#examining}`;
    if (culprit === undefined || this.#skipped.has(culprit)) throw error;
    this.#skipped.add(culprit);
    this.#log(
      'error',
      `${culprit} is left out: ${error instanceof Error ? (error.stack ?? error.message) : 'unknown'}`,
    );
  }

  #log(level: 'error' | 'warn', message: string): void {
    this.#host.post({ kind: 'log', level, message: encodeText(message).slice(0, 2_000) });
  }
}

/** Orders that set rules. */
const RULES = new WeakSet<Order>();

function setRules({ rules, own }: Rules): Order {
  const order: Order = (engine) => {
    engine.setRules(rules, own);
  };
  RULES.add(order);
  return order;
}
