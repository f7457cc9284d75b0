import { z } from 'zod';
import { Instant, Sha256Hex, Uuid } from './ids.ts';

/*
 * What happens on a host, as it leaves it: file integrity (stream `fim`) and process events (stream `edr`). Names are those
 * of the Elastic Common Schema where it has one; what it lacks stands under `wayfarer`. Text that comes from the host (paths,
 * command lines, names) is written as in rows (`wire/encode.ts`): `%XX` for bytes that are no UTF-8, for control characters and `%`.
 */

/** The streams of events: names of queue streams, kinds of uploads, and lower-case names of their modules. */
export const EVENT_STREAMS = ['fim', 'edr'] as const;
export type EventStream = (typeof EVENT_STREAMS)[number];

/** Severities of rules, mildest first. */
export const SEVERITIES = ['low', 'medium', 'high', 'critical'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** Bounds on one event. `bytes` is its length as JSON in UTF-8. */
export const EVENT_LIMITS = { bytes: 96 * 1024, commandLine: 8_192, diff: 32_768, actors: 8 } as const;

const Path = z.string().max(16_384);
const Name = z.string().max(1_024);

/** A user: number on Unix, SID on Windows (184 characters at most); `name` is left out where the host does not know it. */
export const EventUser = z.object({ id: z.string().max(184), name: Name.optional() });
export type EventUser = z.infer<typeof EventUser>;

/** A process that did something. What was gone before it could be read is left out, never guessed. */
export const EventProcess = z.object({
  pid: z.number().int().min(0),
  name: Name.optional(),
  executable: Path.optional(),
  command_line: z.string().max(EVENT_LIMITS.commandLine).optional(),
  /** When it started: with the pid it names one process for ever. */
  start: Instant.optional(),
  /** Of one that a signal ended, 128 and the number of that, as shells say it. */
  exit_code: z.number().int().optional(),
  hash: z.object({ sha256: Sha256Hex }).optional(),
  parent: z
    .object({
      pid: z.number().int().min(0),
      name: Name.optional(),
      executable: Path.optional(),
    })
    .optional(),
});
export type EventProcess = z.infer<typeof EventProcess>;

/** Who did it. `unknown` always says why; a known one may lack single fields. */
export const EventActor = z.discriminatedUnion('state', [
  z.object({
    state: z.literal('known'),
    process: EventProcess,
    user: EventUser.optional(),
    /** Who logged in, whatever user the process took on since (`/proc/PID/loginuid`). */
    login_user: EventUser.optional(),
  }),
  z.object({ state: z.literal('unknown'), reason: z.string().max(200), pid: z.number().int().optional() }),
]);
export type EventActor = z.infer<typeof EventActor>;

export const FILE_TYPES = ['file', 'dir', 'symlink', 'fifo', 'socket', 'device', 'registry'] as const;
export type FileType = (typeof FILE_TYPES)[number];

/** A file as it stood at one moment. */
export const FileState = z.object({
  type: z.enum(FILE_TYPES),
  size: z.number().int().min(0).optional(),
  /** Permission bits in octal, four digits. */
  mode: z.string().max(8).optional(),
  uid: z.string().max(184).optional(),
  gid: z.string().max(184).optional(),
  owner: Name.optional(),
  group: Name.optional(),
  inode: z.string().max(40).optional(),
  mtime: Instant.optional(),
  ctime: Instant.optional(),
  hash: z.object({ sha256: Sha256Hex }).optional(),
  target_path: Path.optional(),
  /** SHA-256 over access control list and extended attributes, where there are any. */
  acl: Sha256Hex.optional(),
  xattrs: Sha256Hex.optional(),
  /** Why there is no hash: too large, unreadable, changed while it was read. */
  unhashed: z.string().max(200).optional(),
});
export type FileState = z.infer<typeof FileState>;

/** A value of the Windows registry. Its data only where a rule has differences shown. */
export const RegistryValue = z.object({
  /** `HKLM` or `HKU`. */
  hive: z.string().max(32),
  /** The key below the hive. */
  key: Path,
  /** Empty for the default value of a key. */
  value: Path,
  data: z.object({ strings: z.array(z.string().max(EVENT_LIMITS.diff)).max(1_024) }).optional(),
});
export type RegistryValue = z.infer<typeof RegistryValue>;

export const FILE_ACTIONS = ['created', 'updated', 'deleted', 'moved', 'attributes_modified'] as const;
export type FileAction = (typeof FILE_ACTIONS)[number];

/** How a change came to be known: as it happened, by a walk at the start or one that was due, or after the source lost events. */
export const DETECTIONS = ['live', 'baseline', 'rescan'] as const;
export type Detection = (typeof DETECTIONS)[number];

/** What ties an event to the one before: a chain starts at sequence 1 with a previous of 64 zeros. */
const Chain = z.object({ id: Uuid, sequence: z.number().int().min(1), previous: Sha256Hex });

/** One change of a watched file, directory, link or registry key (R199, R200). */
export const FimEvent = z.object({
  '@timestamp': Instant,
  event: z.object({
    id: Uuid,
    kind: z.literal('event'),
    module: z.literal('fim'),
    category: z.array(z.enum(['file', 'registry'])).min(1),
    type: z.array(z.enum(['creation', 'change', 'deletion'])).min(1),
    action: z.enum(FILE_ACTIONS),
    severity: z.number().int().min(1).max(4),
    provider: z.string().max(64),
    /** SHA-256 of the canonical record without this field. */
    hash: Sha256Hex,
  }),
  rule: z.object({ id: z.string().max(128) }),
  file: z.object({ path: Path, previous_path: Path.optional(), ...FileState.partial().shape }),
  /** Of a registry value, beside `file.path`, which has hive, key and value. */
  registry: RegistryValue.optional(),
  wayfarer: z.object({
    chain: Chain,
    detected: z.enum(DETECTIONS),
    severity: z.enum(SEVERITIES),
    /** The state before, where it is known. */
    before: FileState.optional(),
    /** Names of what differs: `content`, `size`, `mode`, `owner`, `group`, `inode`, `mtime`, `acl`, `xattrs`, `target_path`, `type`, `path`. */
    changed: z.array(z.string().max(32)).max(16),
    diff: z.string().max(EVENT_LIMITS.diff).optional(),
    /** Why a wanted diff is not there. */
    no_diff: z.string().max(200).optional(),
    actor: EventActor,
    /** Others that touched the same facet before the change was looked at. */
    other_actors: z.array(EventActor).max(EVENT_LIMITS.actors).optional(),
    /** The package manager that made the change, where one did: `dpkg`, `rpm`, … */
    package_manager: z.string().max(32).optional(),
  }),
});
export type FimEvent = z.infer<typeof FimEvent>;

export const PROCESS_ACTIONS = [
  'process_started',
  'process_ended',
  'user_changed',
  'listener_opened',
  'startup_item_added',
  'scheduled_task_added',
  'executable_dropped',
  'registry_value_set',
  'mutex_created',
  'events_lost',
] as const;
export type ProcessAction = (typeof PROCESS_ACTIONS)[number];

/** One event about a process, or about what lets one run later (R201). */
export const EdrEvent = z.object({
  '@timestamp': Instant,
  event: z.object({
    id: Uuid,
    kind: z.literal('event'),
    module: z.literal('edr'),
    category: z.array(z.string().max(32)).min(1).max(4),
    type: z.array(z.string().max(32)).min(1).max(4),
    action: z.enum(PROCESS_ACTIONS),
    severity: z.number().int().min(1).max(4),
    provider: z.string().max(64),
    hash: Sha256Hex,
  }),
  rule: z.object({ id: z.string().max(128) }).optional(),
  process: EventProcess.optional(),
  user: EventUser.optional(),
  /** What was opened, added or dropped. */
  file: z.object({ path: Path, ...FileState.partial().shape }).optional(),
  /** The value that was set or deleted. */
  registry: RegistryValue.optional(),
  server: z
    .object({
      address: z.string().max(64),
      port: z.number().int().min(0).max(65_535),
      transport: z.enum(['tcp', 'udp']),
    })
    .optional(),
  wayfarer: z.object({
    chain: Chain,
    severity: z.enum(SEVERITIES),
    login_user: EventUser.optional(),
    /** Name of the item, task, value or mutex. */
    item: z.string().max(4_096).optional(),
    /** Why something is missing, and how many were lost. */
    reason: z.string().max(200).optional(),
    lost: z.number().int().min(0).optional(),
  }),
});
export type EdrEvent = z.infer<typeof EdrEvent>;

export const HostEvent = z.union([FimEvent, EdrEvent]);
export type HostEvent = z.infer<typeof HostEvent>;

/** The severity of a rule as ECS's number: 1 to 4. */
export const severityNumber = (severity: Severity): number => SEVERITIES.indexOf(severity) + 1;
