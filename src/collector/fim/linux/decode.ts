import {
  FAN,
  HANDLE_HEADER_BYTES,
  INFO,
  INFO_HEADER_BYTES,
  MAX_HANDLE_BYTES,
  METADATA_BYTES,
  METADATA_VERSION,
  NOPIDFD,
} from './fanotify-abi.ts';

/** NAME_MAX of Linux, bytes. */
const NAME_MAX = 255;
const FSID_BYTES = 8;

/** A directory, and the entry of it that something happened to. */
export interface DirectoryEntry {
  /**
   * The directory for ever: `fsid` and `struct file_handle`, one character per byte. A number of an inode that is used
   * again has another generation in its handle.
   */
  readonly directory: string;
  /** Where the name stands in the buffer that was decoded; `.` is the directory itself. */
  readonly nameStart: number;
  readonly nameEnd: number;
}

/** One event of a group that identifies by file handles. */
export interface FanotifyEvent {
  /** Bits of `FAN`. */
  readonly mask: number;
  /** Who did it; 0 for a process of another PID namespace. */
  readonly pid: number;
  /** A descriptor to be closed, where one was asked for and given. */
  readonly pidfd: number | undefined;
  /** The process had ended when the event was read: its pid may be another's by now. */
  readonly gone: boolean;
  readonly at: DirectoryEntry | undefined;
  /** The directory that the event is about, as `directory` of an entry, where the kernel says so. */
  readonly target: string | undefined;
  /** Of `FAN.RENAME`: from where and to where, one of them absent if only the other is marked. */
  readonly from: DirectoryEntry | undefined;
  readonly to: DirectoryEntry | undefined;
}

/**
 * What stood in a buffer. `malformed` counts events whose records contradict themselves: something happened that can't
 * be said. `broken`: lengths lie, so that nothing after could be read; `version`: the kernel speaks another language.
 */
export interface Decoded {
  readonly events: number;
  readonly malformed: number;
  /** Descriptors of malformed events, to be closed. */
  readonly orphans: readonly number[];
  readonly fault: 'broken' | 'version' | undefined;
}

/**
 * Decodes what read(2) gave, event by event (fanotify(7)). Everything is checked against the bounds of what encloses it;
 * records of unknown types are passed over, as newer kernels may add some. `visit` is called in the order of the buffer.
 */
export function decodeEvents(bytes: Buffer, visit: (event: FanotifyEvent, bytes: Buffer) => void): Decoded {
  const orphans: number[] = [];
  let [events, malformed] = [0, 0];
  for (let at = 0; at < bytes.length;) {
    if (bytes.length - at < METADATA_BYTES) return { events, malformed, orphans, fault: 'broken' };
    const length = bytes.readUInt32LE(at);
    if (bytes[at + 4] !== METADATA_VERSION) return { events, malformed, orphans, fault: 'version' };
    const metadata = bytes.readUInt16LE(at + 6);
    if (metadata < METADATA_BYTES || length < metadata || length > bytes.length - at)
      return { events, malformed, orphans, fault: 'broken' };
    const event = decodeEvent(bytes, at, metadata, length, orphans);
    events += 1;
    if (event === undefined) malformed += 1;
    else visit(event, bytes);
    at += length;
  }
  return { events, malformed, orphans, fault: undefined };
}

/** Fields of an event while its records are gathered. */
type Gathered = { -readonly [K in keyof FanotifyEvent]: FanotifyEvent[K] };

function decodeEvent(
  bytes: Buffer,
  start: number,
  metadata: number,
  length: number,
  orphans: number[],
): FanotifyEvent | undefined {
  // The high half of the mask is not used by any kernel; bits that are not known are of no use here.
  const event: Gathered = {
    mask: bytes.readUInt32LE(start + 8) & 0x7fff_ffff,
    pid: bytes.readInt32LE(start + 20),
    pidfd: undefined,
    gone: false,
    at: undefined,
    target: undefined,
    from: undefined,
    to: undefined,
  };
  const end = start + length;
  let sound = true;
  for (let at = start + metadata; at < end;) {
    const size = end - at < INFO_HEADER_BYTES ? 0 : bytes.readUInt16LE(at + 2);
    if (size < INFO_HEADER_BYTES || size > end - at) {
      sound = false;
      break;
    }
    sound = takeRecord(event, bytes, at, at + size) && sound;
    at += size;
  }
  if (!sound && event.pidfd !== undefined) orphans.push(event.pidfd);
  return sound ? event : undefined;
}

/** Takes one information record over. `false` if it contradicts itself. */
function takeRecord(event: Gathered, bytes: Buffer, at: number, end: number): boolean {
  const body = at + INFO_HEADER_BYTES;
  switch (bytes[at]) {
    case INFO.FID:
      return takeTarget(event, bytes, body, end);
    case INFO.DFID_NAME:
      event.at = entry(bytes, body, end);
      return event.at !== undefined;
    case INFO.OLD_DFID_NAME:
      event.from = entry(bytes, body, end);
      return event.from !== undefined;
    case INFO.NEW_DFID_NAME:
      event.to = entry(bytes, body, end);
      return event.to !== undefined;
    case INFO.PIDFD:
      return takePidfd(event, bytes, body, end);
    default:
      return true;
  }
}

function takePidfd(event: Gathered, bytes: Buffer, body: number, end: number): boolean {
  if (end - body < 4) return false;
  const pidfd = bytes.readInt32LE(body);
  event.gone = pidfd === NOPIDFD;
  if (pidfd >= 0) event.pidfd = pidfd;
  return true;
}

function takeTarget(event: Gathered, bytes: Buffer, body: number, end: number): boolean {
  const next = handleEnd(bytes, body, end);
  if (next === undefined) return false;
  // Of files nobody asks for it; most events are of files.
  if ((event.mask & FAN.ONDIR) !== 0) event.target = bytes.toString('latin1', body, next);
  return true;
}

/** Where `fsid` and `struct file_handle` at `body` end, in a record that ends at `end`; `undefined` if they don't fit. */
function handleEnd(bytes: Buffer, body: number, end: number): number | undefined {
  const at = body + FSID_BYTES;
  if (end - at < HANDLE_HEADER_BYTES) return undefined;
  const length = bytes.readUInt32LE(at);
  const next = at + HANDLE_HEADER_BYTES + length;
  return length > MAX_HANDLE_BYTES || next > end ? undefined : next;
}

function entry(bytes: Buffer, body: number, end: number): DirectoryEntry | undefined {
  const nameStart = handleEnd(bytes, body, end);
  if (nameStart === undefined) return undefined;
  let nameEnd = nameStart;
  while (nameEnd < end && bytes[nameEnd] !== 0) {
    if (bytes[nameEnd] === SLASH) return undefined;
    nameEnd += 1;
  }
  if (nameEnd === end || nameEnd === nameStart || nameEnd - nameStart > NAME_MAX) return undefined;
  return { directory: bytes.toString('latin1', body, nameStart), nameStart, nameEnd };
}
const SLASH = 0x2f;

/** The `fsid` part of `DirectoryEntry.directory`. */
export const fsidOf = (directory: string): string => directory.slice(0, FSID_BYTES);

/** The `struct file_handle` in `DirectoryEntry.directory`, for open_by_handle_at(2). */
export const handleOf = (directory: string): Buffer => Buffer.from(directory.slice(FSID_BYTES), 'latin1');
