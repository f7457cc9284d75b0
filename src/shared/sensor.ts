import { z } from 'zod';
import { EVENT_LIMITS, EVENT_STREAMS } from './host-events.ts';
import { TaskSchema, MANIFEST_LIMITS } from './manifest.ts';

/*
 * The messages between the agent core and the sensor, the process that watches files and processes. The sensor keeps every
 * event in a spool of its own until the core says that it is in the queue; an event that is sent twice has the same id.
 */

const Sequence = z.number().int().min(1);
const Stream = z.enum(EVENT_STREAMS);
const Tasks = z.array(TaskSchema).max(MANIFEST_LIMITS.tasks);

/** Most events of one message, and most that may wait for `taken`. */
export const SENSOR_LIMITS = { eventsPerMessage: 500, inFlight: 2_000 } as const;

export const ToSensor = z.discriminatedUnion('kind', [
  /** What to watch from now on, instead of what was before; `null` for a module that is off. */
  z.object({
    kind: z.literal('watch'),
    fim: z.object({ tasks: Tasks, rescanHours: z.number().positive() }).nullable(),
    edr: z.object({ tasks: Tasks }).nullable(),
    /** Directories of the agent itself: what happens there is never an event. */
    own: z.array(z.string().max(4_096)).max(16),
    /** Share of one core that walks of the tree may use, %. */
    sharePct: z.number().min(2).max(100),
  }),
  /** Everything up to this sequence number of this chain is in the queue, durably. */
  z.object({ kind: z.literal('taken'), stream: Stream, chain: z.string(), upTo: Sequence }),
  /** The disk takes nothing: send nothing until `resume`. What was sent before is kept, and answered by `taken` later. */
  z.object({ kind: z.literal('pause') }),
  z.object({ kind: z.literal('resume') }),
  z.object({ kind: z.literal('stop') }),
]);
export type ToSensor = z.infer<typeof ToSensor>;

/** An event on its way: `body` is the sealed record as canonical JSON. */
export const SpooledEvent = z.object({
  id: z.string().min(1).max(64),
  at: z.number().int(),
  sequence: Sequence,
  /** On one line: it is sent on as one. */
  body: z
    .string()
    .max(EVENT_LIMITS.bytes)
    .regex(/^[^\r\n]*$/),
});
export type SpooledEvent = z.infer<typeof SpooledEvent>;

/** How one rule stands. */
export const RuleState = z.object({
  id: z.string(),
  path: z.string(),
  state: z.enum(['watching', 'absent', 'unreadable', 'refused']),
  reason: z.string().max(300).optional(),
});
export type RuleState = z.infer<typeof RuleState>;

/** How one mounted filesystem is watched, or why it is not. */
export const MountState = z.object({
  mount: z.string(),
  filesystem: z.string(),
  method: z.enum([
    'filesystem mark',
    'btrfs top-level mount',
    'inode marks',
    'change journal',
    'eslogger',
    'file watcher',
    'rescan only',
    'none',
  ]),
  note: z.string().max(300).optional(),
});
export type MountState = z.infer<typeof MountState>;

/** What is wrong, as the core raises it. */
export const SENSOR_PROBLEMS = [
  /** The agent's own change was not seen: the source is started again. */
  'FIM_SILENT',
  /** Events carry no actor. */
  'FIM_NO_ACTOR',
  /** A part of what the rules name is not watched. */
  'FIM_INCOMPLETE',
  /** The kernel lost events; the rules are walked again. */
  'FIM_OVERFLOW',
  /** The disk takes no event. */
  'SPOOL_STOPPED',
  /** Processes are polled. */
  'EDR_POLLING',
  /** Process events were lost. */
  'EDR_LOST',
  /** The host does not tell of a part of what the rules ask for. */
  'EDR_INCOMPLETE',
] as const;
export type SensorProblem = (typeof SENSOR_PROBLEMS)[number];

const Instants = z.iso.datetime().nullable();

/** How the sensor stands: what status shows. */
export const SensorState = z.object({
  fim: z
    .object({
      rules: z.array(RuleState).max(MANIFEST_LIMITS.tasks),
      mounts: z.array(MountState).max(1_000),
      actor: z.enum(['known', 'unknown']),
      baseline: z.object({
        state: z.enum(['none', 'building', 'complete']),
        entries: z.number().int(),
        completedAt: Instants,
        /** The next walk that is due by the profile. */
        nextRescanAt: Instants,
      }),
      eventsLastHour: z.number().int(),
      overflows: z.number().int(),
      /** The last change of its own file that the agent saw. */
      canarySeenAt: Instants,
    })
    .nullable(),
  edr: z
    .object({
      method: z.enum(['process connector', '/proc polling', 'eslogger', 'security log']),
      eventsLastHour: z.number().int(),
      lost: z.number().int(),
    })
    .nullable(),
  problems: z.array(z.object({ code: z.enum(SENSOR_PROBLEMS), text: z.string().max(500) })).max(32),
  /** Events that are not in the queue yet. */
  spooled: z.number().int(),
});
export type SensorState = z.infer<typeof SensorState>;

export const FromSensor = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('ready'), pid: z.number().int() }),
  /** Events of one chain in their order; answered by `taken`. */
  z.object({
    kind: z.literal('events'),
    stream: Stream,
    chain: z.string(),
    events: z.array(SpooledEvent).min(1).max(SENSOR_LIMITS.eventsPerMessage),
  }),
  z.object({ kind: z.literal('state'), state: SensorState }),
  /** Every 10 s: the process is not blocked. */
  z.object({ kind: z.literal('alive'), rssBytes: z.number().min(0) }),
  z.object({
    kind: z.literal('log'),
    level: z.enum(['error', 'warn', 'info', 'debug']),
    message: z.string().max(2_000),
  }),
]);
export type FromSensor = z.infer<typeof FromSensor>;
