import { statSync } from 'node:fs';
import { bindCall, errnoName, loadLibc, pathBytes, POLL } from '../../src/collector/native/libc.ts';
import type { Moment } from '../../src/collector/fim/change.ts';
import type { ReadableWatch } from '../../src/collector/native/readable.ts';

/*
 * A small reader of fanotify(7), made for tests of actors alone: which pid closed which file of one folder after writing.
 */

const FAN_CLOEXEC = 1;
const FAN_NONBLOCK = 2;
const FAN_REPORT_DFID_NAME = 0xc00;
const FAN_MARK_ADD = 1;
const FAN_MARK_FILESYSTEM = 0x100;
const FAN_CLOSE_WRITE = 8;
const FAN_OPEN_EXEC = 0x1000;
const FAN_EVENT_ON_CHILD = 0x0800_0000;
const AT_FDCWD = -100;

/** `struct fanotify_event_metadata`, and the handle record behind it up to the length of its handle. */
const METADATA = 24;
const HANDLE_AT = METADATA + 12;

interface Write {
  readonly name: string;
  readonly pid: number;
  readonly isExec: boolean;
}

export class WritesWithPid {
  readonly #fd: number;
  readonly #libc = loadLibc();
  readonly #bytes = Buffer.alloc(64 * 1024);
  readonly #now: () => number;
  readonly #heard: (write: Write, moment: Moment) => void;
  readonly #executables: bigint | undefined;
  readonly #remove: () => void;
  #emptyAt: number;
  #isReading = false;

  /**
   * `now` is CLOCK_MONOTONIC in ms. With `executables`, what is opened for execution on the file system of that path is heard
   * as well, and the order used.
   */
  constructor(options: {
    readonly folder: string;
    readonly executables: string | undefined;
    readonly watch: ReadableWatch;
    readonly now: () => number;
    readonly heard: (write: Write, moment: Moment) => void;
  }) {
    const { folder, executables, watch, now, heard } = options;
    this.#now = now;
    this.#heard = heard;
    this.#emptyAt = now();
    const init = bindCall('fanotify_init', 'int', ['uint32', 'uint32']);
    const mark = bindCall('fanotify_mark', 'int', ['int', 'uint32', 'uint64', 'int', 'void *']);
    this.#fd = init(FAN_CLOEXEC | FAN_NONBLOCK | FAN_REPORT_DFID_NAME, 0);
    const marks = [
      mark(this.#fd, FAN_MARK_ADD, FAN_CLOSE_WRITE | FAN_EVENT_ON_CHILD, AT_FDCWD, pathBytes(folder)),
      executables === undefined
        ? 0
        : mark(this.#fd, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, FAN_OPEN_EXEC, AT_FDCWD, pathBytes(executables)),
    ];
    this.#executables = executables === undefined ? undefined : statSync(executables, { bigint: true }).dev;
    const failed = Math.min(this.#fd, ...marks);
    if (failed < 0) throw new Error(`fanotify: ${errnoName(failed)}`);
    this.#remove = watch.add({ fd: this.#fd, events: POLL.IN, ready: () => (this.read(), 0) });
  }

  /** Reads what is there to its end, then tells of it. */
  read(): void {
    if (this.#isReading) return;
    this.#isReading = true;
    const since = this.#emptyAt;
    const writes: Write[] = [];
    for (;;) {
      const until = this.#now();
      const length = this.#libc.read(this.#fd, this.#bytes);
      if (length > 0) writes.push(...writesIn(Buffer.from(this.#bytes.subarray(0, length))));
      else {
        this.#emptyAt = until;
        break;
      }
    }
    this.#tell(writes, { since, until: this.#emptyAt });
    this.#isReading = false;
  }

  /** From the end, so that it is known who opened what for execution later. */
  #tell(writes: readonly Write[], moment: Moment): void {
    const executed = new Set<number>();
    for (const write of writes.toReversed()) {
      const isLast = this.#executables !== undefined && !executed.has(write.pid);
      const noExecAfter = isLast ? (device: bigint): boolean => device === this.#executables : undefined;
      if (write.isExec) executed.add(write.pid);
      else this.#heard(write, { ...moment, noExecAfter });
    }
  }

  close(): void {
    this.#remove();
    this.#libc.close(this.#fd);
  }
}

function* writesIn(bytes: Buffer): Generator<Write> {
  for (let at = 0; at < bytes.length; at += bytes.readUInt32LE(at)) {
    const event = bytes.subarray(at, at + bytes.readUInt32LE(at));
    const name = event.subarray(HANDLE_AT + 8 + event.readUInt32LE(HANDLE_AT));
    const isExec = (event.readUInt32LE(8) & FAN_OPEN_EXEC) !== 0;
    yield { pid: event.readInt32LE(20), name: name.toString('utf8', 0, name.indexOf(0)), isExec };
  }
}
