import { z } from 'zod';
import { CONDITIONS, type ConditionCode } from './conditions.ts';
import { EVENT_STREAMS } from './host-events.ts';
import { MANIFEST_TYPES } from './modules.ts';
import { RouteAttempt } from './proxy.ts';
import { LOG_LEVELS } from './profile.ts';
import { MountState, RuleState, SensorState } from './sensor.ts';
import { DemandedScan, SCAN_ORIGINS } from './scan.ts';

/** What the agent is doing, as one word (R315). Derived from facts, never set. */
export const PHASES = [
  'not provisioned',
  'provisioning',
  'error',
  'suspended',
  'blackout',
  'scanning',
  'uploading',
  'idle',
  'up to date',
] as const;
export type Phase = (typeof PHASES)[number];

const Time = z.iso.datetime().nullable();
const codes = Object.keys(CONDITIONS) as [ConditionCode, ...ConditionCode[]];

/** A condition as clients see it: rendered text, so that every client says the same. */
export const ShownCondition = z.object({
  code: z.enum(codes),
  severity: z.enum(['info', 'warning', 'error']),
  title: z.string(),
  text: z.string(),
  since: z.iso.datetime(),
  stopsUploads: z.boolean(),
});
export type ShownCondition = z.infer<typeof ShownCondition>;

/** What is known of one manifest type on this host. */
export const TypeStatus = z.object({
  manifestVersion: z.number().int().nullable(),
  seq: z.number().int(),
  root: z.string().nullable(),
  rows: z.number().int(),
  tables: z.record(z.string(), z.number().int()),
  collectedAt: Time,
  uploadedAt: Time,
  processedAt: Time,
  nextDueAt: Time,
  /** The interval of the profile, minutes. */
  intervalMin: z.number().int(),
  /** Longest that delay and random share may add to it, minutes. */
  spreadMin: z.number().int(),
  /** The last scan that somebody asked for. */
  demand: DemandedScan.nullable(),
});
export type TypeStatus = z.infer<typeof TypeStatus>;

/** How the correlation endpoint stands (R270–R276): what it does, on which ports, and why. Never the identifier. */
export const ScanMergeStatus = z.object({
  state: z.enum(['off', 'not on premise', 'starting', 'listening', 'no port']),
  ports: z.array(z.number().int()),
  reason: z.string(),
});
export type ScanMergeStatus = z.infer<typeof ScanMergeStatus>;

/** What the collector works on, and why: for people who wonder what keeps their host busy. */
export const BusyStatus = z.object({
  type: z.enum(MANIFEST_TYPES),
  /** `interval`, or what brought the collection forward. */
  reason: z.string(),
  /** Who asked for it, if somebody did. */
  origin: z.enum(SCAN_ORIGINS).nullable(),
  since: z.iso.datetime(),
  tasksDone: z.number().int(),
  tasks: z.number().int(),
  /** Share of a core that it may use, %. */
  sharePct: z.number(),
  /** CPU time so far, ms, as the collector said last. */
  cpuMs: z.number(),
  /** Why it rests at the moment. */
  pausedBecause: z.string().nullable(),
});
export type BusyStatus = z.infer<typeof BusyStatus>;

/** How a stream of events stands between this host and the platform. */
export const StreamStatus = z.object({
  /** Whether its module is active and the profile has it on. */
  on: z.boolean(),
  records: z.number().int(),
  bytes: z.number().int(),
  limitBytes: z.number().int(),
  /** Records that did not fit, and records that the platform refused, in all. */
  dropped: z.number().int(),
  refused: z.number().int(),
  uploadedAt: Time,
});
export type StreamStatus = z.infer<typeof StreamStatus>;

/** Most rules that are not watched, and most filesystems, that the status names. */
export const SENSOR_STATUS_LIMITS = { rules: 20, mounts: 100 } as const;

/** How files and processes are watched: never what was seen. */
export const SensorStatus = z.object({
  state: z.enum(['off', 'starting', 'running', 'down']),
  pid: z.number().int().nullable(),
  restarts: z.number().int(),
  /** `null` while nothing is known of it: off, starting, or gone. */
  fim: z
    .object({
      ...SensorState.shape.fim.unwrap().omit({ rules: true, mounts: true }).shape,
      rules: z.number().int(),
      watching: z.number().int(),
      /** Rules that are not watched, and why. */
      troubles: z.array(RuleState),
      mounts: z.array(MountState),
      /** Filesystems beyond those. */
      moreMounts: z.number().int(),
      /** Why events name no actor; empty where they do. */
      actorReason: z.string(),
    })
    .nullable(),
  edr: SensorState.shape.edr,
  /** Events that the sensor holds and the queue has not yet. */
  spooled: z.number().int(),
  streams: z.record(z.enum(EVENT_STREAMS), StreamStatus),
});
export type SensorStatus = z.infer<typeof SensorStatus>;

/** Everything a client of the control channel may know. Holds no secret. */
export const AgentStatus = z.object({
  agentVersion: z.string(),
  pid: z.number().int(),
  startedAt: z.iso.datetime(),
  phase: z.enum(PHASES),
  since: z.iso.datetime(),
  sentence: z.string(),
  conditions: z.array(ShownCondition),
  identity: z.object({
    hostId: z.string().nullable(),
    hostIdPath: z.string(),
    customerId: z.string().nullable(),
    activationId: z.string().nullable(),
    activationTitle: z.string().nullable(),
    hostname: z.string(),
    agentKeyId: z.string().nullable(),
    secretStore: z.string(),
    tags: z.array(z.string()),
  }),
  platform: z.object({
    uri: z.string().nullable(),
    keyId: z.string().nullable(),
    pinned: z.enum(['configured', 'first use', 'not yet']),
    clockOffsetSec: z.number(),
    route: z.string(),
    /** The routes that were tried when a connection was last made, in their order. */
    routes: z.array(RouteAttempt),
    /** The CA file in use, beside the ones of the system. */
    caFile: z.string().nullable(),
  }),
  network: z.object({ online: z.boolean(), metered: z.boolean() }),
  profile: z.object({
    name: z.string(),
    version: z.number().int(),
    suspended: z.boolean(),
    /** Whether the agent may not be replaced by a newer version (R137). */
    updatesPrevented: z.boolean(),
    /** What the profile says of proxies; settings of the host win over it. */
    wpadEnabled: z.boolean(),
    proxyFailOpen: z.boolean(),
    statusIntervalSec: z.number(),
  }),
  /** The blackout windows of the profile (R158): the end of the one in force, the begin of the next. */
  blackout: z.object({ active: z.boolean(), until: Time, next: Time }),
  /** Types that a reduced-activity period holds back now, and when that changes. */
  reduced: z.object({
    noCollection: z.array(z.enum(MANIFEST_TYPES)),
    noTransmission: z.array(z.enum(MANIFEST_TYPES)),
    until: Time,
  }),
  modules: z.array(z.string()),
  types: z.partialRecord(z.enum(MANIFEST_TYPES), TypeStatus),
  lastCheckIn: Time,
  nextCheckIn: Time,
  nextProvisioning: Time,
  lastActivity: z.object({ name: z.string(), at: z.iso.datetime() }).nullable(),
  pendingUpload: z
    .object({
      type: z.string(),
      kind: z.string(),
      chunksSent: z.number().int(),
      chunkCount: z.number().int(),
      encodedBytes: z.number().int(),
    })
    .nullable(),
  queue: z.object({ records: z.number().int(), bytes: z.number().int(), dropped: z.number().int() }),
  collector: z.object({ pid: z.number().int().nullable(), state: z.string(), restarts: z.number().int() }),
  sensor: SensorStatus,
  /** `null` while nothing is collected. */
  busy: BusyStatus.nullable(),
  uploads: z.object({
    count: z.number().int(),
    rawBytes: z.number().int(),
    sentBytes: z.number().int(),
    chunks: z.number().int(),
  }),
  /** Where the log is and what it holds; `until` while the platform asked for another level than the profile's. */
  log: z.object({ path: z.string(), level: z.enum(LOG_LEVELS), until: Time }),
  scanMerge: ScanMergeStatus,
  development: z.string().nullable(),
});
export type AgentStatus = z.infer<typeof AgentStatus>;
