import { RESUME_LIMITS, type FromCollector, type Pace, type ToCollector } from '../../shared/collector.ts';
import type { ManifestType } from '../../shared/modules.ts';
import { cpuSharePct } from '../../shared/profile.ts';
import { ERRORS_TABLE } from '../../shared/rows.ts';
import { makeItem, shortKey } from '../../wire/item.ts';
import { batches } from '../queue/pages.ts';
import type { Staging } from '../queue/snapshot-store.ts';
import type { Facts, ScanFacts } from './facts.ts';
import { LEFT_OUT, type ScanProgress } from './scan-progress.ts';

/** Batches that the collector may have under way at once. */
const CREDIT = 4;

/** The scan under way. */
export interface ScanJob {
  readonly id: number;
  readonly type: ManifestType;
  readonly staging: Staging;
  readonly progress: ScanProgress;
  /** Share of a core that it was given for itself, %. */
  readonly sharePct: number | undefined;
  /** CPU milliseconds that collectors which ended in the middle have used. */
  cpuMsBefore: number;
  /** Sealing ends the staging by itself, whatever comes of it. */
  sealing: boolean;
  /** Given up while it was sealed: what comes of it is dropped. */
  cancelled: boolean;
  /** Its collector has ended: the next one goes on with it. */
  waits: boolean;
}

/** What a collector is told to do a scan, or what is left of it. */
export function* messagesFor(job: ScanJob, { profile }: Facts): Generator<ToCollector, void, undefined> {
  const { id, type, staging, progress, sharePct } = job;
  const { cpuLimitPct, cpuThrottleMs } = profile;
  const { finished } = progress;
  const size = RESUME_LIMITS.keysPerMessage;
  if (finished.length > 0) {
    for (const keys of batches(staging.keys(), size))
      yield { kind: 'known', job: id, keys: keys.map(shortKey) };
  }
  const pace: Pace = { cpuLimitPct, cpuThrottleMs, ...(sharePct !== undefined && { sharePct }) };
  const tasks = [...progress.tasks];
  const resumed = finished.length > 0 ? { finished: [...finished] } : {};
  yield { kind: 'collect', job: id, type, tasks, ...resumed, pace, credit: CREDIT };
}

/** What became of a scan whose collector ended: whether another one can go on with it, and what it leaves out. */
export interface Handover {
  readonly goesOn: boolean;
  readonly leftOut?: string;
}

/**
 * Keeps what the finished tasks of a scan gave and drops the rest, so that another collector can go on with it. Throws
 * `StoreError`.
 */
export function handOver(job: ScanJob): Handover {
  const { staging, progress } = job;
  staging.dropPart();
  const rows = Object.values(staging.counts()).reduce((sum, count) => sum + count, 0);
  const next = progress.interrupted();
  if (!next.goesOn || rows > RESUME_LIMITS.rows) return { goesOn: false };
  if (next.leaveOut === undefined) return { goesOn: true };
  const { id, table } = next.leaveOut;
  staging.add([makeItem(ERRORS_TABLE, id, { table, task: id, reason: LEFT_OUT })]);
  staging.keepPart();
  return { goesOn: true, leftOut: `${id} (${table})` };
}

/** The scan as facts at its beginning. */
export function scanFacts(job: ScanJob, reason: ScanFacts['reason'], facts: Facts, now: number): ScanFacts {
  const { type, progress, sharePct } = job;
  return {
    reason,
    origin: sharePct === undefined ? null : (facts.types[type]?.demand?.origin ?? null),
    startedAt: now,
    tasksDone: 0,
    tasks: progress.tasks.length,
    sharePct: sharePct ?? cpuSharePct(facts.profile, process.platform),
    cpuMs: 0,
    pausedBecause: null,
  };
}

/** The scan as facts after a message of its collector. */
export function scanFactsAfter(scan: ScanFacts, job: ScanJob, message: FromCollector): ScanFacts {
  const tasksDone = job.progress.finished.length;
  const cpuMs = message.kind === 'alive' ? job.cpuMsBefore + message.cpuMs : scan.cpuMs;
  return { ...scan, tasksDone, cpuMs };
}
