import canonicalize from 'canonicalize';
import type { Task } from '../shared/manifest.ts';
import { ERRORS_TABLE, type Item } from '../shared/rows.ts';
import { shortKey } from '../wire/item.ts';
import { AbortGate } from './abort-gate.ts';
import { Batcher } from './batcher.ts';
import type { Table } from './bind.ts';
import { itemOf } from './encode-row.ts';
import { isFault, reasonOf } from './reasons.ts';
import { processTimer, type StartTimer } from './debounce.ts';
import { Signs } from './signs.ts';
import { Unreadable, type KeyedRow, type ReadContext } from './table.ts';

/** Rows between two looks at the CPU budget. */
const ROWS_PER_BREATH = 16;

/** Rows of one task; a file server with more of anything than this is no laptop. */
const MAX_TASK_ROWS = 200_000;

/** Time for all tasks together, in milliseconds: thousands of them may each be slow. */
const MAX_COLLECTION_MS = 2 * 3600_000;

/** Errors listed in the summary; the rows of `collection_errors` are complete. */
const MAX_LISTED_ERRORS = 1_000;

/** A finished task: rows is what it added, so a table that an earlier task has read counts 0. */
export interface TaskReport {
  readonly id: string;
  readonly table: string;
  readonly rows: number;
  readonly ms: number;
  readonly error?: string;
}

/** Where a collection delivers to. `batch` resolves when the next one may come. */
export interface Sink {
  readonly batch: (items: Item[]) => Promise<void>;
  /** A task begins, or is prepared. */
  readonly started: (id: string) => void;
  /** A task is finished: all its rows were handed over. */
  readonly task: (report: TaskReport) => void;
  readonly log: (level: 'error' | 'warn' | 'info' | 'debug', message: string) => void;
}

export interface Summary {
  readonly rows: number;
  readonly tables: Record<string, number>;
  readonly errors: { table: string; reason: string }[];
}

/** What an earlier collection of the same tasks, which was interrupted, has handed over. */
export interface Earlier {
  /** Ids of the tasks that it finished. */
  readonly finished: ReadonlySet<string>;
  /** The keys of its rows (`shortKey`). */
  readonly keys: readonly string[];
}

const NOTHING: Earlier = { finished: new Set(), keys: [] };

export interface EngineOptions {
  readonly context: ReadContext;
  readonly tableNamed: (name: string) => Table | undefined;
  readonly sink: Sink;
  readonly startTimer?: StartTimer;
  /** For how long the collection was paused so far, in milliseconds: this is not its time. */
  readonly pausedMs?: () => number;
}

/** What a task reads: two that read the same are read once. */
const identityOf = (task: Task): string => `${task.table} ${canonicalize(task.params) ?? ''}`;

/** Reads the tasks of a manifest one after the other and streams their rows (collection: a failed table is a row, R012). */
export class Engine {
  readonly #context: ReadContext;
  readonly #tableNamed: (name: string) => Table | undefined;
  readonly #sink: Sink;
  readonly #gate: AbortGate;
  readonly #batcher: Batcher;
  readonly #keys = new Set<string>();
  readonly #read = new Set<string>();
  readonly #tables = new Map<string, number>();
  readonly #errors: { table: string; reason: string }[] = [];
  readonly #signs: Signs;
  readonly #startTimer: StartTimer;
  readonly #pausedMs: () => number;
  #rows = 0;
  #isOver = false;
  #cancelEnd: () => void = () => undefined;

  constructor({ context, tableNamed, sink, startTimer = processTimer, pausedMs = () => 0 }: EngineOptions) {
    this.#pausedMs = pausedMs;
    this.#startTimer = startTimer;
    this.#signs = new Signs(context, startTimer);
    this.#context = this.#signs.context;
    this.#tableNamed = tableNamed;
    this.#sink = sink;
    this.#gate = new AbortGate(context.signal);
    this.#batcher = new Batcher((items) => this.#gate.wait(sink.batch(items)));
  }

  /**
   * Runs the tasks: those that need time to pass are prepared first and read last. Rejects with `Cancelled` when the
   * signal fires; every other trouble ends in the table `collection_errors`. Goes on where `earlier` ended: the rows of
   * both together are those of one collection that nothing interrupted.
   */
  async collect(tasks: readonly Task[], earlier: Earlier = NOTHING): Promise<Summary> {
    this.#endAfter(MAX_COLLECTION_MS, 0);
    try {
      return await this.#collect(this.#resume(tasks, earlier));
    } finally {
      this.#cancelEnd();
    }
  }

  #endAfter(ms: number, pausedBefore: number): void {
    this.#cancelEnd = this.#startTimer(ms, () => {
      const paused = this.#pausedMs();
      if (paused > pausedBefore) this.#endAfter(paused - pausedBefore, paused);
      else this.#isOver = true;
    });
  }

  /** The tasks that are left. */
  #resume(tasks: readonly Task[], { finished, keys }: Earlier): readonly Task[] {
    for (const key of keys) this.#keys.add(key);
    for (const task of tasks) if (finished.has(task.id)) this.#read.add(identityOf(task));
    return tasks.filter(({ id }) => !finished.has(id));
  }

  async #collect(tasks: readonly Task[]): Promise<Summary> {
    const waiting = tasks.filter((task) => this.#tableNamed(task.table)?.prepare !== undefined);
    const prepared = new Set<string>();
    for (const { id, table } of waiting) {
      if (prepared.has(table)) continue;
      prepared.add(table);
      this.#sink.started(id);
      await this.#prepare(table);
    }
    const first = tasks.filter((task) => this.#tableNamed(task.table)?.prepare === undefined);
    for (const task of [...first, ...waiting]) await this.#runTask(task);
    return { rows: this.#rows, tables: Object.fromEntries(this.#tables), errors: this.#errors };
  }

  /** A failure here shows again, with its reason, when the table is read. */
  async #prepare(table: string): Promise<void> {
    try {
      const prepared = Promise.resolve(this.#tableNamed(table)?.prepare?.(this.#context));
      await this.#gate.wait(this.#signs.guard(prepared));
    } catch (error) {
      this.#gate.check();
      this.#sink.log('debug', `${table} could not be prepared: ${reasonOf(error)}`);
    }
  }

  async #runTask(task: Task): Promise<void> {
    this.#gate.check();
    this.#sink.started(task.id);
    const started = this.#context.now();
    const before = this.#rows;
    let error: string | undefined;
    try {
      await this.#readOnce(task);
    } catch (thrown) {
      this.#gate.check();
      error = reasonOf(thrown);
      if (isFault(thrown))
        this.#sink.log('error', `task ${task.id} (${task.table}) failed: ${String(thrown)}`);
    }
    const rows = this.#rows - before;
    if (error !== undefined) await this.#addError(task, error);
    // Manifests may hold thousands of tasks of one row each.
    await this.#gate.wait(this.#context.breathe());
    await this.#batcher.flush();
    const ms = Math.max(0, this.#context.now() - started);
    this.#sink.task({ id: task.id, table: task.table, rows, ms, ...(error === undefined ? {} : { error }) });
  }

  async #readOnce(task: Task): Promise<void> {
    this.#checkTime();
    const table = this.#tableNamed(task.table);
    if (table === undefined) throw new Unreadable('this agent has no such table');
    const identity = identityOf(task);
    if (this.#read.has(identity)) return;
    this.#read.add(identity);
    const rows = table.open(this.#context, task.params);
    if (rows === undefined) return;
    if (!this.#tables.has(task.table)) this.#tables.set(task.table, 0);
    const rejects = await this.#readRows(task.table, rows);
    if (rejects !== undefined) throw new Unreadable(rejects);
  }

  #checkTime(): void {
    if (this.#isOver) throw new Unreadable('the tasks of this collection take too long together');
  }

  /** Streams the rows out; returns why some of them were left out. */
  async #readRows(
    table: string,
    rows: AsyncIterable<KeyedRow> | Iterable<KeyedRow>,
  ): Promise<string | undefined> {
    const rejected = new Map<string, number>();
    let count = 0;
    const take = async (keyed: KeyedRow): Promise<void> => {
      const reason = await this.#addRow(table, keyed);
      if (reason !== undefined) rejected.set(reason, (rejected.get(reason) ?? 0) + 1);
      count += 1;
      if (count > MAX_TASK_ROWS) throw new Unreadable(`more than ${String(MAX_TASK_ROWS)} rows`);
      if (count % ROWS_PER_BREATH !== 0) return;
      this.#checkTime();
      await this.#context.breathe();
      this.#gate.check();
    };
    if (Symbol.asyncIterator in rows) await this.#drain(rows[Symbol.asyncIterator](), take);
    else for (const keyed of rows) await take(keyed);
    const all = [...rejected].map(([reason, times]) => `${String(times)} × ${reason}`).sort();
    return all.length === 0 ? undefined : `rows left out: ${all.join('; ')}`;
  }

  /** Takes rows until the end. A reader that hangs is left behind when the collection is cancelled. */
  async #drain(iterator: AsyncIterator<KeyedRow>, take: (row: KeyedRow) => Promise<void>): Promise<void> {
    let finished = false;
    try {
      for (;;) {
        const next = await this.#gate.wait(this.#signs.guard(iterator.next()));
        finished = next.done === true;
        if (next.done === true) return;
        await take(next.value);
      }
    } finally {
      // Not awaited: a hung reader would answer this as little as it answered `next`.
      if (!finished) void Promise.resolve(iterator.return?.()).catch(() => undefined);
    }
  }

  /** Adds a row, or says why it can't stand in a snapshot. */
  async #addRow(table: string, keyed: KeyedRow): Promise<string | undefined> {
    let item: Item;
    try {
      item = itemOf(table, keyed, this.#context.os);
    } catch (error) {
      if (error instanceof Unreadable) return error.message;
      throw error;
    }
    const key = shortKey(item.key);
    if (this.#keys.has(key)) return 'its key was there already';
    this.#keys.add(key);
    if (this.#batcher.wouldOverflow(item)) await this.#batcher.flush();
    this.#batcher.push(item);
    this.#rows += 1;
    this.#tables.set(table, (this.#tables.get(table) ?? 0) + 1);
    return undefined;
  }

  async #addError(task: Task, reason: string): Promise<void> {
    if (this.#errors.length < MAX_LISTED_ERRORS) this.#errors.push({ table: task.table, reason });
    await this.#addRow(ERRORS_TABLE, { key: task.id, row: { table: task.table, task: task.id, reason } });
  }
}
