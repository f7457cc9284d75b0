import { ERRNO, errnoName } from '../../native/libc.ts';
import type { FanotifyCalls } from './calls.ts';
import { decodeEvents, type FanotifyEvent } from './decode.ts';
import { FAN, FAN_INIT, FAN_MARK } from './fanotify-abi.ts';

/** Bytes of one read: some hundred events, and as many descriptors of processes that are open at once. */
const READ_BYTES = 32 * 1024;
/** Bytes of one turn, after which others have theirs. */
const TURN_BYTES = 512 * 1024;

const BASE =
  FAN_INIT.CLOEXEC |
  FAN_INIT.NONBLOCK |
  FAN_INIT.UNLIMITED_MARKS |
  FAN_INIT.REPORT_DIR_FID |
  FAN_INIT.REPORT_NAME;
/** What is asked of fanotify_init(2), most first: Linux 5.17, 5.15, 5.9. */
const FLAGS = [
  BASE | FAN_INIT.REPORT_FID | FAN_INIT.REPORT_TARGET_FID | FAN_INIT.REPORT_PIDFD,
  BASE | FAN_INIT.REPORT_PIDFD,
  BASE,
];

const EVENTS = FAN.CREATE | FAN.DELETE | FAN.MODIFY | FAN.CLOSE_WRITE | FAN.ATTRIB | FAN.ONDIR;
/** What marks ask for, most first: `FAN.RENAME` since Linux 5.17. */
const MASKS = [EVENTS | FAN.RENAME, EVENTS | FAN.MOVED_FROM | FAN.MOVED_TO];

/** What became of one turn of reading. */
export interface Turn {
  readonly events: number;
  /** The queue was full, or an event could not be read: something happened that nobody will say. */
  readonly lost: 'overflow' | 'error' | undefined;
  /** The bound of a turn was reached: more is waiting. */
  readonly more: boolean;
  /** When the read began that found nothing left, ms of CLOCK_MONOTONIC: what is read next happened later. */
  readonly emptyAt: number | undefined;
  /** Why nothing more will come. */
  readonly failed: string | undefined;
}

/** One fanotify group: marks, and a queue of the kernel that is read without waiting. */
export class FanotifyGroup {
  readonly fd: number;
  readonly #calls: FanotifyCalls;
  readonly #monotonic: () => number;
  readonly #buffer = Buffer.allocUnsafeSlow(READ_BYTES);

  /**
   * Opens a group, with what this kernel has. The queue keeps the limit of the host (fs.fanotify.max_queued_events): without
   * one, a sensor that is stopped would fill the memory of the kernel. Throws with the reason where there is no fanotify.
   */
  constructor(calls: FanotifyCalls, monotonic: () => number) {
    this.#calls = calls;
    this.#monotonic = monotonic;
    this.fd = FLAGS.reduce(
      (before, flags) => (before === -ERRNO.EINVAL ? calls.init(flags) : before),
      -ERRNO.EINVAL,
    );
    if (this.fd < 0) throw new Error(`fanotify_init: ${errnoName(this.fd)}`);
  }

  /** fanotify_mark(2) for all events that are of use. 0, or `-errno`. */
  mark(flags: number, path: string | Buffer, dirfd?: number): number {
    const onChild = (flags & 0x100) === 0 ? FAN.EVENT_ON_CHILD : 0;
    return MASKS.reduce(
      (before, mask) =>
        before === -ERRNO.EINVAL ? this.#calls.mark(this.fd, flags, mask | onChild, path, dirfd) : before,
      -ERRNO.EINVAL,
    );
  }

  /**
   * Has the queue also tell what of a filesystem is opened for execution, in the order of everything else. 0, or `-errno`.
   */
  markExecutions(path: string): number {
    return this.#calls.mark(this.fd, FAN_MARK.ADD | FAN_MARK.FILESYSTEM, FAN.OPEN_EXEC, path);
  }

  /** Reads what is there, up to a bound, and closes what came along with it. */
  read(visit: (event: FanotifyEvent, bytes: Buffer) => void): Turn {
    let [events, bytes] = [0, 0];
    let lost: Turn['lost'];
    let emptyAt: number | undefined;
    while (bytes < TURN_BYTES) {
      const readAt = this.#monotonic();
      const length = this.#calls.libc.read(this.fd, this.#buffer);
      if (length === -ERRNO.EAGAIN) {
        emptyAt = readAt;
        break;
      }
      if (length === -ERRNO.EINTR) continue;
      if (length <= 0) return ended(events, lost, `read: ${errnoName(length)}`);
      bytes += length;
      const decoded = decodeEvents(this.#buffer.subarray(0, length), (event, read) => {
        if ((event.mask & FAN.Q_OVERFLOW) !== 0) lost = 'overflow';
        else visit(event, read);
        if (event.pidfd !== undefined) this.#calls.libc.close(event.pidfd);
      });
      events += decoded.events;
      for (const pidfd of decoded.orphans) this.#calls.libc.close(pidfd);
      if (decoded.malformed > 0 || decoded.fault === 'broken') lost ??= 'error';
      if (decoded.fault === 'version')
        return ended(events, lost, 'the kernel has another version of fanotify');
    }
    return { events, lost, more: emptyAt === undefined, emptyAt, failed: undefined };
  }

  close(): void {
    this.#calls.libc.close(this.fd);
  }
}

const ended = (events: number, lost: Turn['lost'], failed: string): Turn => ({
  events,
  lost,
  more: false,
  emptyAt: undefined,
  failed,
});
