import type { FromCollector } from '../../shared/collector.ts';
import type { Task } from '../../shared/manifest.ts';

/** Collectors that one scan may use up: beyond that it fails, and is tried again after a pause like any other that fails. */
const MAX_INTERRUPTIONS = 20;

/** Errors kept for the condition; the rows of `collection_errors` are complete. */
const MAX_ERRORS = 1_000;

/** Why a task was left out, as it stands in `collection_errors`: the same words whatever ended the collector. */
export const LEFT_OUT = 'its reading ended the collector twice';

type TaskReport = Extract<FromCollector, { kind: 'task' }>;

/**
 * What becomes of a scan whose collector ended: another one goes on with it, without the task that ended two in a row, or
 * the scan is given up.
 */
export type Interruption = { readonly goesOn: true; readonly leaveOut?: Task } | { readonly goesOn: false };

/** How far a scan has come, so that another collector can go on with it where one ended. */
export class ScanProgress {
  readonly tasks: readonly Task[];
  readonly #finished = new Set<string>();
  readonly #errors: { table: string; reason: string }[] = [];
  /** The task that began last and has not finished. */
  #current: string | undefined;
  /** The task at which the last collector ended, unless it has finished since. */
  #suspect: string | undefined;
  /** Whether the last collector ended before any task began. */
  #endedAtOnce = false;
  #interruptions = 0;

  /** `earlier`: what the last run of the agent had finished of the same scan. */
  constructor(tasks: readonly Task[], earlier?: Pick<ScanProgress, 'finished' | 'errors'>) {
    this.tasks = tasks;
    for (const id of earlier?.finished ?? []) this.#finished.add(id);
    this.#errors.push(...(earlier?.errors ?? []));
  }

  /** Ids of the finished tasks, left out ones included. */
  get finished(): readonly string[] {
    return [...this.#finished];
  }

  /** Tables that could not be read, and why; at most 1,000. */
  get errors(): readonly { readonly table: string; readonly reason: string }[] {
    return this.#errors;
  }

  started(id: string): void {
    this.#current = id;
    this.#endedAtOnce = false;
  }

  finish({ id, table, error }: Pick<TaskReport, 'id' | 'table' | 'error'>): void {
    this.#finished.add(id);
    if (this.#current === id) this.#current = undefined;
    if (this.#suspect === id) this.#suspect = undefined;
    if (error !== undefined && this.#errors.length < MAX_ERRORS) this.#errors.push({ table, reason: error });
  }

  /** The collector has ended in the middle. Every task is left out at most once, and collectors are counted: no loop. */
  interrupted(): Interruption {
    this.#interruptions += 1;
    const at = this.#current;
    this.#current = undefined;
    const endedAtOnce = at === undefined && this.#endedAtOnce;
    this.#endedAtOnce = at === undefined;
    if (this.#interruptions > MAX_INTERRUPTIONS || endedAtOnce) return { goesOn: false };
    const isSecond = at !== undefined && at === this.#suspect;
    this.#suspect = at;
    const task = isSecond ? this.tasks.find(({ id }) => id === at) : undefined;
    if (task === undefined) return { goesOn: true };
    this.finish({ ...task, error: LEFT_OUT });
    return { goesOn: true, leaveOut: task };
  }
}
