import { z } from 'zod';
import { RESUME_LIMITS, type FromCollector, type Pace, type ToCollector } from '../../shared/collector.ts';
import type { ManifestType } from '../../shared/modules.ts';
import { cpuSharePct } from '../../shared/profile.ts';
import { ERRORS_TABLE } from '../../shared/rows.ts';
import { makeItem, shortKey } from '../../wire/item.ts';
import { batches } from '../queue/pages.ts';
import type { SnapshotStore, Staging } from '../queue/snapshot-store.ts';
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
  /** When it began, over restarts of the agent, ms. */
  readonly beganAt: number;
  /** Whether a part of it was read before the agent was started. */
  readonly isResumed: boolean;
  /** When it was last noted how far it has come, ms. */
  notedAt: number;
}

/** How far a scan has come, as it outlives the agent. */
const Noted = z.object({
  manifestVersion: z.number().int(),
  beganAt: z.number(),
  finished: z.array(z.string()),
  errors: z.array(z.object({ table: z.string(), reason: z.string() })),
});

/** What is older than this is read anew, ms: it may have changed while nobody looked. */
const MAX_AGE_MS = 3600_000;

/** How often it is noted how far a scan has come, ms: each time waits for the disk. */
const NOTE_EVERY_MS = 1_000;

/** Keeps what the tasks that finished have given, and every second over an end of the agent as well. Throws `StoreError`. */
export function keepFinished(job: ScanJob, facts: Facts, now: number): void {
  const manifestVersion = facts.types[job.type]?.manifest?.version;
  if (manifestVersion === undefined || now < job.notedAt + NOTE_EVERY_MS) {
    job.staging.keepPart();
    return;
  }
  job.notedAt = now;
  const { finished, errors } = job.progress;
  const noted: z.infer<typeof Noted> = {
    manifestVersion,
    beganAt: job.beganAt,
    finished: [...finished],
    errors: [...errors],
  };
  job.staging.keepPart(noted);
}

/**
 * How far the scan of a type had come when the agent ended, if this run can go on with it: by the same manifest, within an
 * hour of its begin.
 */
export function interruptedScan(
  snapshots: Pick<SnapshotStore, 'interrupted'>,
  type: ManifestType,
  facts: Facts,
  now: number,
): Pick<z.infer<typeof Noted>, 'beganAt' | 'finished' | 'errors'> | undefined {
  const found = snapshots.interrupted();
  const noted = Noted.safeParse(found?.noted);
  if (found?.type !== type || !noted.success) return undefined;
  const { manifestVersion, beganAt } = noted.data;
  const age = now - beganAt;
  if (manifestVersion !== facts.types[type]?.manifest?.version || age < 0 || age > MAX_AGE_MS)
    return undefined;
  return noted.data;
}

/** What a collector is told to do a scan, or what is left of it. */
export function* messagesFor(
  job: ScanJob,
  { profile, development }: Facts,
): Generator<ToCollector, void, undefined> {
  const { id, type, staging, progress, sharePct } = job;
  const { cpuLimitPct, cpuThrottleMs } = profile;
  const { finished } = progress;
  const size = RESUME_LIMITS.keysPerMessage;
  if (finished.length > 0) {
    for (const keys of batches(staging.keys(), size))
      yield { kind: 'known', job: id, keys: keys.map(shortKey) };
  }
  const { samplesApartSec } = development;
  const pace: Pace = {
    cpuLimitPct,
    cpuThrottleMs,
    ...(sharePct !== undefined && { sharePct }),
    ...(samplesApartSec !== undefined && { samplesApartMs: samplesApartSec * 1_000 }),
  };
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
    tasksDone: progress.finished.length,
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
