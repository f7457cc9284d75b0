import { decodeHostText } from '../../text.ts';
import {
  CN_HEADER,
  CN_IDX_PROC,
  CN_VAL_PROC,
  EVENT_HEADER,
  NLMSG_DONE,
  NLMSG_HEADER,
  PROC_EVENT,
} from './protocol.ts';

/** Place in the stream: which processor made a message, and the how manieth of that processor it is, modulo 2^32. */
interface Place {
  /** 2^32 - 1 for an answer of kernels before 6.6, which is not counted. */
  readonly cpu: number;
  readonly sequence: number;
}

/** What every event has. */
interface Common extends Place {
  /** When, ms of CLOCK_MONOTONIC: just before a new process first runs, and just before a new program does. */
  readonly at: number;
  /** The process (thread group) and the thread in it; of a fork the new ones. */
  readonly pid: number;
  readonly thread: number;
}

/** New ids, real and effective. */
interface Ids {
  readonly real: number;
  readonly effective: number;
}

/** An event of the process connector (linux/cn_proc.h). Pids are those of the first pid namespace. */
export type ProcessMessage =
  | (Common & { readonly kind: 'fork'; readonly parent: number })
  | (Common & { readonly kind: 'exec' })
  | (Common & { readonly kind: 'sid' })
  | (Common & Ids & { readonly kind: 'uid' })
  | (Common & Ids & { readonly kind: 'gid' })
  | (Common & { readonly kind: 'ptrace'; readonly tracer: number })
  | (Common & { readonly kind: 'comm'; readonly name: string })
  | (Common & { readonly kind: 'coredump'; readonly parent: number })
  /** `status` as wait(2) gives it. */
  | (Common & { readonly kind: 'exit'; readonly status: number; readonly parent: number })
  /** A kind that this build does not know, or one that is not asked for. */
  | (Common & { readonly kind: 'other' });

/** A message of one kind. */
export type MessageOf<K extends ProcessMessage['kind']> = Extract<ProcessMessage, { readonly kind: K }>;

/** The kernel's answer to a request: 0, or an error number. */
export interface Acknowledgement extends Place {
  readonly kind: 'acknowledgement';
  readonly acknowledged: number;
  readonly error: number;
}

/** Most of a datagram that is looked at, bytes; the kernel puts one message of less than 100 into each. */
export const DATAGRAM_BYTES = 4_096;

/** A message of the connector. */
export type ConnectorMessage = ProcessMessage | Acknowledgement;

/** Reader of 32-bit words at offsets from the start of an event's union; `undefined` outside the bytes. */
type Word = (offset: number) => number | undefined;

/**
 * Decodes one datagram of the connector. Takes whatever arrives: what is too short, has a length that points outside, or is
 * no message of the process connector is left out, and counted in `refused`.
 */
export function decodeDatagram(bytes: Buffer): {
  readonly messages: readonly ConnectorMessage[];
  readonly refused: number;
} {
  const messages: ConnectorMessage[] = [];
  let refused = 0;
  let at = 0;
  while (at < bytes.length) {
    const length = at + NLMSG_HEADER <= bytes.length ? bytes.readUInt32LE(at) : 0;
    if (length < NLMSG_HEADER || at + length > bytes.length) return { messages, refused: refused + 1 };
    const message = decodeMessage(bytes.subarray(at, at + length));
    if (message === undefined) refused += 1;
    else messages.push(message);
    // NLMSG_ALIGN of linux/netlink.h
    at += (length + 3) & ~3;
  }
  return { messages, refused };
}

/** One netlink message of the length that its header says. */
function decodeMessage(message: Buffer): ConnectorMessage | undefined {
  if (message.readUInt16LE(4) !== NLMSG_DONE) return undefined;
  const data = NLMSG_HEADER + CN_HEADER;
  if (message.length < data + EVENT_HEADER) return undefined;
  if (message.readUInt32LE(NLMSG_HEADER) !== CN_IDX_PROC) return undefined;
  if (message.readUInt32LE(NLMSG_HEADER + 4) !== CN_VAL_PROC) return undefined;
  const end = data + message.readUInt16LE(NLMSG_HEADER + 16);
  if (end < data + EVENT_HEADER || end > message.length) return undefined;
  return decodeEvent(message.subarray(data, end), {
    sequence: message.readUInt32LE(NLMSG_HEADER + 8),
    acknowledged: message.readUInt32LE(NLMSG_HEADER + 12),
  });
}

/** `timestamp_ns` in ms: a float of 64 bits keeps it to some ns for years. */
const monotonicMs = (event: Buffer): number =>
  (event.readUInt32LE(12) * 2 ** 32 + event.readUInt32LE(8)) / 1_000_000;

interface ConnectorHeader {
  readonly sequence: number;
  readonly acknowledged: number;
}

function decodeEvent(event: Buffer, header: ConnectorHeader): ConnectorMessage | undefined {
  const word: Word = (offset) => {
    const from = EVENT_HEADER + offset;
    return from + 4 <= event.length ? event.readUInt32LE(from) : undefined;
  };
  const what = event.readUInt32LE(0);
  const [first, second] = [word(0), word(4)];
  if (what === PROC_EVENT.NONE) {
    if (first === undefined) return undefined;
    const { sequence, acknowledged } = header;
    return { kind: 'acknowledgement', cpu: event.readUInt32LE(4), sequence, acknowledged, error: first };
  }
  if (first === undefined || second === undefined) return undefined;
  const of = (thread: number, pid: number): Common => ({
    cpu: event.readUInt32LE(4),
    sequence: header.sequence,
    at: monotonicMs(event),
    pid,
    thread,
  });
  if (what === PROC_EVENT.FORK) return forkOf(second, word, of);
  return detailsOf(what, of(first, second), word, event);
}

/** `fork_proc_event`: the parent's ids come first. */
function forkOf(
  parent: number,
  word: Word,
  of: (thread: number, pid: number) => Common,
): ProcessMessage | undefined {
  const [thread, pid] = [word(8), word(12)];
  return thread === undefined || pid === undefined ? undefined : { ...of(thread, pid), kind: 'fork', parent };
}

function detailsOf(what: number, common: Common, word: Word, event: Buffer): ProcessMessage | undefined {
  const [third, fourth] = [word(8), word(12)];
  switch (what) {
    case PROC_EVENT.EXEC:
      return { ...common, kind: 'exec' };
    case PROC_EVENT.SID:
      return { ...common, kind: 'sid' };
    case PROC_EVENT.UID:
    case PROC_EVENT.GID:
      if (third === undefined || fourth === undefined) return undefined;
      return { ...common, kind: what === PROC_EVENT.UID ? 'uid' : 'gid', real: third, effective: fourth };
    case PROC_EVENT.PTRACE:
      return fourth === undefined ? undefined : { ...common, kind: 'ptrace', tracer: fourth };
    case PROC_EVENT.COMM:
      return commOf(common, event);
    case PROC_EVENT.COREDUMP:
      return fourth === undefined ? undefined : { ...common, kind: 'coredump', parent: fourth };
    case PROC_EVENT.EXIT:
      return exitOf(common, third, word(20));
    default:
      return { ...common, kind: 'other' };
  }
}

/** `exit_proc_event`; kernels before 3.12 have no parent in it. */
function exitOf(common: Common, status: number | undefined, parent = 0): ProcessMessage | undefined {
  return status === undefined ? undefined : { ...common, kind: 'exit', status, parent };
}

/** `comm_proc_event`: 16 bytes that end with a NUL, unless they are full. */
function commOf(common: Common, event: Buffer): ProcessMessage | undefined {
  const name = event.subarray(EVENT_HEADER + 8, EVENT_HEADER + 24);
  if (name.length < 16) return undefined;
  const end = name.indexOf(0);
  return { ...common, kind: 'comm', name: decodeHostText(end < 0 ? name : name.subarray(0, end)) };
}
