import { z } from 'zod';
import { MANIFEST_TYPES } from './modules.ts';
import { MANIFEST_LIMITS, TaskSchema } from './manifest.ts';
import { Sha256Hex } from './ids.ts';

/**
 * The messages between the agent core and the collector process. The collector pushes at most
 * `credit` unanswered batches, so that a slow disk on one side never fills the memory of the other.
 */
const JobId = z.number().int().min(1);

/** Items of one batch: key, row as canonical JSON, hash. At most 500. */
const ItemSchema = z.object({ key: z.string().max(70_000), row: z.string(), hash: Sha256Hex });

/** How hard a collection may work: both limits of the profile, the platform's OS decides which one counts (R146–R149). */
export const PaceSchema = z.object({
  cpuLimitPct: z.number().min(2).max(100),
  cpuThrottleMs: z.number().min(0).max(1000),
  /** Share of one core for this collection alone, %, in the place of both: a scan on demand (R180). */
  sharePct: z.number().min(2).max(100).optional(),
  /** Time between two samples of processes, ms, where it is not 10 s: in development alone. */
  samplesApartMs: z.number().min(0).max(10_000).optional(),
});
export type Pace = z.infer<typeof PaceSchema>;

/** A file that manifests look at, and the types whose manifests those are (protocol, rule 11). */
const WatchedPathSchema = z.object({ path: z.string().max(4_096), types: z.array(z.enum(MANIFEST_TYPES)) });
export type WatchedPath = z.infer<typeof WatchedPathSchema>;

/** Most files that a collector is asked to watch. */
export const MAX_WATCHED_PATHS = 5_000;

/** Short hash of a key (`shortKey` of wire/item). */
const ShortKey = z.string().length(20);

/** Rows that a scan may have staged and still be resumed, and short keys of one message that names them. */
export const RESUME_LIMITS = { rows: 500_000, keysPerMessage: 5_000 } as const;

export const ToCollector = z.discriminatedUnion('kind', [
  /** Before `collect` of a job that another collector began: keys of rows that are there already, as `shortKey` gives them. */
  z.object({
    kind: z.literal('known'),
    job: JobId,
    keys: z.array(ShortKey).max(RESUME_LIMITS.keysPerMessage),
  }),
  z.object({
    kind: z.literal('collect'),
    job: JobId,
    type: z.enum(MANIFEST_TYPES),
    tasks: z.array(TaskSchema),
    /** Ids of tasks that an earlier collector has finished: what they read is not read again. */
    finished: z.array(z.string()).max(MANIFEST_LIMITS.tasks).optional(),
    pace: PaceSchema,
    credit: z.number().int().min(1).max(64),
  }),
  z.object({ kind: z.literal('credit'), job: JobId, batches: z.number().int().min(1).max(64) }),
  z.object({ kind: z.literal('cancel'), job: JobId }),
  /** Watch these files instead of those before. */
  z.object({ kind: z.literal('watch'), paths: z.array(WatchedPathSchema).max(MAX_WATCHED_PATHS) }),
  /** Rests between two rows until `resume`; the process shows life all the same. */
  z.object({ kind: z.literal('pause'), job: JobId }),
  z.object({ kind: z.literal('resume'), job: JobId }),
  z.object({ kind: z.literal('stop') }),
]);
export type ToCollector = z.infer<typeof ToCollector>;

export const FromCollector = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('ready'), pid: z.number().int(), tables: z.array(z.string()) }),
  z.object({ kind: z.literal('batch'), job: JobId, items: z.array(ItemSchema).max(500) }),
  /** A task begins, or is prepared: whatever ends the process from here on may be its doing. */
  z.object({ kind: z.literal('started'), job: JobId, id: z.string() }),
  /** One task is finished and all its rows were sent. `error` says why its rows are missing or incomplete. */
  z.object({
    kind: z.literal('task'),
    job: JobId,
    id: z.string(),
    table: z.string(),
    rows: z.number().int(),
    ms: z.number(),
    error: z.string().optional(),
  }),
  /** The collection is complete: every batch was sent. `tables` counts rows per table, errors included. */
  z.object({
    kind: z.literal('done'),
    job: JobId,
    rows: z.number().int(),
    tables: z.record(z.string(), z.number().int()),
    errors: z.array(z.object({ table: z.string(), reason: z.string() })).max(1000),
    cpuMs: z.number(),
    elapsedMs: z.number(),
  }),
  z.object({ kind: z.literal('failed'), job: JobId, reason: z.string() }),
  /**
   * Every 2 s while a job runs: the process is not blocked, however long a table takes. With the memory that it has and
   * the CPU time of the job so far.
   */
  z.object({
    kind: z.literal('alive'),
    job: JobId,
    rssBytes: z.number().min(0),
    cpuMs: z.number(),
  }),
  /**
   * Something on the host changed that these tables show, or that the manifests of these types look at (R026, protocol
   * rule 11); already debounced.
   */
  z.object({
    kind: z.literal('changed'),
    tables: z.array(z.string()),
    types: z.array(z.enum(MANIFEST_TYPES)).default([]),
    reason: z.string(),
  }),
  /** The collector's own trouble, for the log: never secret, never a file's content. */
  z.object({
    kind: z.literal('log'),
    level: z.enum(['error', 'warn', 'info', 'debug']),
    message: z.string(),
  }),
]);
export type FromCollector = z.infer<typeof FromCollector>;
