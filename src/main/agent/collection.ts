import type { FromCollector, ToCollector } from '../../shared/collector.ts';
import type { ManifestType } from '../../shared/modules.ts';
import { toInstant } from '../clock.ts';
import type { Pending } from '../queue/pending-upload.ts';
import type { Staging } from '../queue/snapshot-store.ts';
import { StoreError } from '../queue/store-error.ts';
import type { Context } from './context.ts';
import { demandBegins, demandGoesOn } from './demand.ts';
import type { CycleReason } from './facts.ts';
import { CHANGE_GAP_SEC, changeRequest, collectionPauseMs, earlierRequest } from './schedule.ts';
import {
  handOver,
  interruptedScan,
  keepFinished,
  messagesFor,
  scanFacts,
  scanFactsAfter,
  type ScanJob,
} from './scan-job.ts';
import { ScanProgress } from './scan-progress.ts';
import { chunkBytesOf, pendingFacts } from './upload-progress.ts';

/** Pause while the disk is full, s. */
const DISK_PAUSE_SEC = 60;

type Done = Extract<FromCollector, { kind: 'done' }>;

/**
 * The one collection that may run on a host: rows come from the collector in batches, are staged in the store, and
 * become the pending upload when the collector is done (R317). Whatever goes wrong leaves the last snapshot as it was.
 */
export class Collection {
  readonly #context: Context;
  readonly #send: (message: ToCollector) => void;
  /** Runs `apply` as an event of the owner loop. */
  readonly #post: (name: string, apply: () => void) => void;
  #job: ScanJob | undefined;
  #lastId = 0;

  constructor(
    context: Context,
    send: (message: ToCollector) => void,
    post: (name: string, apply: () => void) => void,
  ) {
    this.#context = context;
    this.#send = send;
    this.#post = post;
  }

  /** Starts a collection. Throws `StoreError` when the database takes no writes; then nothing has started. */
  start(type: ManifestType, reason: CycleReason | 'interval'): void {
    const context = this.#context;
    const startedAt = context.clock.now();
    const { snapshots } = context.store;
    const earlier = interruptedScan(snapshots, type, context.facts(), startedAt);
    const staging = earlier === undefined ? snapshots.begin(type) : snapshots.resume(type);
    this.#job = this.#jobFor(type, staging, undefined, earlier);
    context.update({ collecting: type });
    const serving = context.facts().types[type]?.requested ?? { reason: 'retry', notBefore: startedAt };
    try {
      context.updateType(type, { startedAt, requested: null, serving });
    } catch (error) {
      this.#end();
      throw error;
    }
    context.emit({ name: 'collecting', type, reason });
    const { finished, tasks } = this.#job.progress;
    const kept = finished.length === 0 ? '' : `, ${finished.length} of ${tasks.length} tasks are kept`;
    context.log.info(`collection of ${type} started (${reason})${kept}`);
    const job = this.#jobFor(type, staging, demandBegins(context, type), earlier);
    this.#job = job;
    context.update({ scan: scanFacts(job, reason, context.facts(), startedAt) });
    this.#command(job);
  }

  #jobFor(
    type: ManifestType,
    staging: Staging,
    sharePct: number | undefined,
    earlier: ReturnType<typeof interruptedScan>,
  ): ScanJob {
    this.#lastId += 1;
    const progress = new ScanProgress(this.#context.tasks.get(type) ?? [], earlier);
    const notedAt = this.#context.clock.now();
    const state = { cpuMsBefore: 0, sealing: false, cancelled: false, waits: false, notedAt };
    const began = { beganAt: earlier?.beganAt ?? notedAt, isResumed: earlier !== undefined };
    return { id: this.#lastId, type, staging, progress, sharePct, ...began, ...state };
  }

  #command(job: ScanJob): void {
    job.waits = false;
    const facts = this.#context.facts();
    for (const message of messagesFor(job, facts)) this.#send(message);
    if (facts.scan?.pausedBecause) this.#send({ kind: 'pause', job: job.id });
  }

  /** Has the scan rest between two rows for this reason, or go on. Nothing changes for one that is complete already. */
  pause(because: string | null): void {
    const job = this.#job;
    const { scan } = this.#context.facts();
    if (job?.sealing !== false || scan === null) return;
    const isPaused = scan.pausedBecause !== null;
    this.#context.update({ scan: { ...scan, pausedBecause: because } });
    if (isPaused === (because !== null)) return;
    this.#send({ kind: isPaused ? 'resume' : 'pause', job: job.id });
    const { log } = this.#context;
    log.info(`collection of ${job.type} ${because === null ? 'goes on' : `pauses: ${because}`}`);
  }

  /** Takes a message of the collector; those of a job that was given up or is complete are ignored. */
  message(message: FromCollector): void {
    const job = this.#job;
    if (!('job' in message) || job?.id !== message.job || job.sealing) return;
    if (message.kind === 'batch') this.#batch(job, message.items);
    else if (message.kind === 'done') this.#done(job, message);
    else if (message.kind === 'failed') this.#failed(message.reason);
    else if (message.kind === 'started') job.progress.started(message.id);
    else this.#goesOn(job, message);
  }

  #goesOn(job: ScanJob, message: Extract<FromCollector, { kind: 'task' | 'alive' }>): void {
    if (message.kind === 'task') {
      job.progress.finish(message);
      if (!this.#kept(job)) return;
      if (message.error !== undefined)
        this.#context.log.warn(`${job.type}: table ${message.table} could not be read: ${message.error}`);
    }
    const { scan } = this.#context.facts();
    if (scan !== null) this.#context.update({ scan: scanFactsAfter(scan, job, message) });
  }

  #kept(job: ScanJob): boolean {
    try {
      keepFinished(job, this.#context.facts(), this.#context.clock.now());
      return true;
    } catch (error) {
      this.#send({ kind: 'cancel', job: job.id });
      this.#storeFailed(error);
      return false;
    }
  }

  /** Stops the collection of a type if it is the one that runs. */
  cancel(type: ManifestType): void {
    const job = this.#job;
    if (job?.type !== type) return;
    if (job.sealing) {
      // The store is busy with it until the end: no other may begin before.
      job.cancelled = true;
      return;
    }
    this.#send({ kind: 'cancel', job: job.id });
    this.#end();
  }

  /** The collector is gone: of a job that runs what finished tasks gave is kept, and the next collector does the rest. */
  collectorDown(reason: string): void {
    const job = this.#job;
    if (job?.sealing !== false) return;
    const { log, facts } = this.#context;
    job.cpuMsBefore = facts().scan?.cpuMs ?? 0;
    try {
      const { goesOn, leftOut } = handOver(job);
      if (!goesOn) {
        this.#failed(`collector ended: ${reason}`);
        return;
      }
      job.waits = true;
      const { finished, tasks } = job.progress;
      log.warn(`collection of ${job.type} interrupted: ${finished.length} of ${tasks.length} tasks are kept`);
      if (leftOut !== undefined) log.error(`task ${leftOut} is left out: it ended the collector twice`);
    } catch (error) {
      this.#storeFailed(error);
    }
  }

  /** A collector is ready: it goes on with what the last one has left. */
  collectorUp(): void {
    const job = this.#job;
    if (job?.waits !== true) return;
    try {
      this.#command(job);
    } catch (error) {
      this.#storeFailed(error);
    }
  }

  #batch(job: ScanJob, items: Extract<FromCollector, { kind: 'batch' }>['items']): void {
    try {
      job.staging.add(items);
      this.#send({ kind: 'credit', job: job.id, batches: 1 });
    } catch (error) {
      this.#send({ kind: 'cancel', job: job.id });
      this.#storeFailed(error);
    }
  }

  #done(job: ScanJob, done: Done): void {
    const context = this.#context;
    const collectedAt = context.clock.now();
    const chunkBytes = chunkBytesOf(context.facts().profile);
    job.sealing = true;
    job.staging
      .seal({ collectedAt, chunkBytes, encoding: 'zstd' })
      .then((sealed) => {
        this.#post('sealed', () => {
          this.#sealed(job, done, sealed);
        });
      })
      .catch((error: unknown) => {
        this.#post('seal failed', () => {
          if (job.cancelled) this.#end();
          else this.#storeFailed(error);
        });
      });
  }

  #sealed(job: ScanJob, done: Done, sealed: Pending): void {
    const context = this.#context;
    const { type } = job;
    this.#end();
    if (job.cancelled) {
      context.store.snapshots.dropPending();
      return;
    }
    context.conditions.clear('DISK_FULL');
    context.conditions.clear('COLLECTION_FAILED', type);
    context.updateType(type, { collectedAt: sealed.collectedAt, serving: null, failures: 0 });
    if (job.isResumed) this.#readAnew(type);
    context.update({ pending: pendingFacts(sealed, context.clock.now()) });
    demandGoesOn(context, type, 'uploading');
    this.#reportTables(job);
    const { rows, setCount, delCount } = sealed;
    const cpuMs = job.cpuMsBefore + done.cpuMs;
    context.log.info(
      `collection of ${type} complete: ${rows} rows, ${setCount} set, ${delCount} deleted, ${Math.round(done.elapsedMs)} ms, ${Math.round(cpuMs)} ms CPU`,
    );
    context.emit({
      name: 'collected',
      type,
      rows,
      set: setCount,
      del: delCount,
      errors: job.progress.errors.length,
      elapsedMs: done.elapsedMs,
      cpuMs,
    });
  }

  /** What was read before the agent was started may have changed while nobody watched: a whole scan follows. */
  #readAnew(type: ManifestType): void {
    const { facts, clock, updateType } = this.#context;
    const known = facts().types[type];
    if (known === undefined) return;
    const gapSec = facts().development.changeGapSec ?? CHANGE_GAP_SEC;
    updateType(type, { requested: changeRequest(known, clock.now(), gapSec) });
  }

  #reportTables({ type, progress }: ScanJob): void {
    const { conditions, clock } = this.#context;
    if (progress.errors.length === 0) {
      conditions.clear('TABLE_ERRORS', type);
      return;
    }
    const tables = [...new Set(progress.errors.map((error) => error.table))].sort().join(', ');
    conditions.raise('TABLE_ERRORS', clock.now(), { tables: `${type}: ${tables}` }, type);
  }

  #failed(reason: string): void {
    const job = this.#job;
    if (job === undefined) return;
    const context = this.#context;
    this.#end();
    const now = context.clock.now();
    const known = context.facts().types[job.type];
    const failures = (known?.failures ?? 0) + 1;
    const retryMs = collectionPauseMs(failures, context.facts().development.retrySec);
    const request = { reason: 'retry' as const, notBefore: now + retryMs };
    const requested = earlierRequest(known?.requested ?? null, request);
    context.updateType(job.type, { requested, serving: null, failures });
    demandGoesOn(context, job.type, 'failed', reason);
    context.log.error(`collection of ${job.type} failed: ${reason}`);
    context.conditions.raise(
      'COLLECTION_FAILED',
      now,
      { type: job.type, reason, next: toInstant(request.notBefore) },
      job.type,
    );
    context.emit({ name: 'collection failed', type: job.type, reason });
  }

  #storeFailed(error: unknown): void {
    const context = this.#context;
    const reason = error instanceof Error ? error.message : String(error);
    if (error instanceof StoreError && (error.code === 'FULL' || error.code === 'READONLY')) {
      const now = context.clock.now();
      context.conditions.raise('DISK_FULL', now, { path: context.paths.dataDir, reason });
      const pauseSec = context.facts().development.retrySec ?? DISK_PAUSE_SEC;
      context.update({ diskNotBefore: now + pauseSec * 1000 });
    }
    this.#failed(reason);
  }

  #end(): void {
    const job = this.#job;
    this.#job = undefined;
    this.#context.update({ collecting: null, scan: null });
    if (job?.sealing === false) job.staging.abandon();
  }
}
