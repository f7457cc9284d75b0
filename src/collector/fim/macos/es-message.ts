import { z } from 'zod';

/*
 * What eslogger(1) writes of the messages of Endpoint Security: one JSON object per line, with the fields of es_message_t
 * and its events by the names of Apple's headers ESMessage.h and ESTypes.h. Its manual page promises no schema, so only
 * what is used is looked at, and what does not fit is counted instead of guessed.
 */

/** Length of a line that is parsed, bytes: an exec may carry 1 MiB of arguments and as much environment, escaped. */
export const MAX_LINE_BYTES = 8 * 1024 * 1024;

const Token = z.object({
  pid: z.number().int().min(0),
  pidversion: z.number().int().optional(),
  euid: z.number().int().optional(),
  auid: z.number().int().optional(),
});
export type EsToken = z.infer<typeof Token>;

/** An instant as a `timespec` says it: nanoseconds since the epoch, and how many of them its last digit stands for. */
export interface EsInstant {
  readonly ns: bigint;
  readonly step: bigint;
}

const INSTANT = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z$/;

function instantOf(text: string): EsInstant | undefined {
  const [, seconds = '', fraction = ''] = INSTANT.exec(text) ?? [];
  const ms = Date.parse(`${seconds}Z`);
  if (Number.isNaN(ms)) return undefined;
  const ns = BigInt(ms) * 1_000_000n + BigInt(fraction.padEnd(9, '0'));
  return { ns, step: 10n ** BigInt(9 - fraction.length) };
}

/** A `timespec` of a file: text with nine digits of a second, or its two fields. Not known where it is something else. */
const Timespec = z
  .union([
    z.string().max(64).transform(instantOf),
    z
      .object({ tv_sec: z.number().int(), tv_nsec: z.number().int().min(0).max(999_999_999) })
      .transform(({ tv_sec: seconds, tv_nsec: ns }): EsInstant => ({
        ns: BigInt(seconds) * 1_000_000_000n + BigInt(ns),
        step: 1n,
      })),
  ])
  .optional()
  .catch(undefined);

const File = z.object({
  path: z.string().min(1).max(16_384),
  path_truncated: z.boolean().optional(),
  stat: z
    .object({
      st_mode: z.number().int(),
      // Numbers of inodes on system volumes are too large to be exact in JSON.
      st_ino: z.number().optional().catch(undefined),
      st_size: z.number().optional().catch(undefined),
      st_mtimespec: Timespec,
      st_ctimespec: Timespec,
    })
    .optional(),
});
export type EsFile = z.infer<typeof File>;

const Process = z.object({
  audit_token: Token,
  parent_audit_token: Token.nullish(),
  ppid: z.number().int().min(0).optional(),
  executable: File,
  start_time: z.string().optional(),
  is_platform_binary: z.boolean().optional(),
});
export type EsProcess = z.infer<typeof Process>;

const NewPath = z.object({ dir: File, filename: z.string().min(1).max(1_024) });
const Destination = z.union([z.object({ existing_file: File }), z.object({ new_path: NewPath })]);
const Target = z.object({ target: File });

/** Arguments as a list, or as the array of tokens that some releases write. */
const Arguments = z
  .union([
    z.array(z.string()),
    z
      .object({ items: z.array(z.object({ value: z.string() })) })
      .transform(({ items }) => items.map(({ value }) => value)),
  ])
  .catch([]);

/** The events that are asked for, each with the shape of its payload. */
const EVENTS = {
  exec: z.object({ target: Process, args: Arguments }),
  fork: z.object({ child: Process }),
  exit: z.object({ stat: z.number().int() }),
  create: z.object({ destination: Destination }),
  close: Target.extend({ modified: z.boolean(), was_mapped_writable: z.boolean().nullish() }),
  rename: z.object({ source: File, destination: Destination }),
  unlink: Target,
  truncate: Target,
  link: z.object({ source: File, target_dir: File, target_filename: z.string().min(1).max(1_024) }),
  clone: z.object({ source: File, target_dir: File, target_name: z.string().min(1).max(1_024) }),
  copyfile: z.object({
    source: File,
    target_file: File.nullish(),
    target_dir: File,
    target_name: z.string().min(1).max(1_024),
  }),
  setmode: Target,
  setowner: Target,
  setflags: Target,
  setacl: Target,
  setextattr: Target,
  deleteextattr: Target,
  utimes: Target,
} as const;

export type EsEventName = keyof typeof EVENTS;

/** The names of the events that are asked for. */
export const ES_EVENTS = Object.keys(EVENTS) as readonly EsEventName[];

/** One event: its name, and its payload. */
export type EsEvent = {
  [N in EsEventName]: { readonly name: N } & z.output<(typeof EVENTS)[N]>;
}[EsEventName];

export interface EsMessage {
  /** Ms since the epoch. */
  readonly at: number;
  readonly process: EsProcess;
  readonly event: EsEvent;
}

const Envelope = z.object({
  time: z.string(),
  process: Process,
  event: z.record(z.string(), z.unknown()),
});

/**
 * Parses one line. `undefined` for whatever is no message of a known event: a cut line, another schema, JSON of something
 * else. Never throws.
 */
export function parseEsLine(line: string): EsMessage | undefined {
  const envelope = Envelope.safeParse(jsonOf(line));
  if (!envelope.success) return undefined;
  const { time, process, event } = envelope.data;
  const at = timeOf(time);
  const name = ES_EVENTS.find((known) => Object.hasOwn(event, known));
  if (at === undefined || name === undefined) return undefined;
  const payload = EVENTS[name].safeParse(event[name]);
  return payload.success ? { at, process, event: { name, ...payload.data } as EsEvent } : undefined;
}

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/** Ms since the epoch of an RFC 3339 instant, whatever the number of its digits; `undefined` for anything else. */
export function timeOf(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/.test(text)) return undefined;
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : at;
}

/** In a string a quote is escaped, so these stand for the fields themselves. */
const SEQUENCE = Buffer.from('"global_seq_num":');
const UNMODIFIED = Buffer.from('"modified":false');
const MAPPED = Buffer.from('"was_mapped_writable":true');

/**
 * The number that counts all messages to this client, taken without parsing the line; `undefined` where it has none. A
 * number that is left out is a message that was dropped (es_message_t, `global_seq_num`).
 */
export function sequenceOf(line: Buffer): number | undefined {
  const at = line.indexOf(SEQUENCE);
  if (at < 0) return undefined;
  const from = at + SEQUENCE.length;
  const digits = /^\s*(\d{1,15})/.exec(line.toString('latin1', from, from + 20))?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** Whether a line is of a file that was closed as it had been opened: most are, and need not be parsed. */
export function isIdle(line: Buffer): boolean {
  return line.includes(UNMODIFIED) && !line.includes(MAPPED);
}
