import { bindCall, errnoName, loadLibc, pathBytes, POLL } from '../../src/collector/native/libc.ts';
import type { ReadableWatch } from '../../src/collector/native/readable.ts';

/*
 * A small reader of fanotify(7), made for tests of actors alone: which pid closed which file of one folder after writing.
 */

const FAN_CLOEXEC = 1;
const FAN_NONBLOCK = 2;
const FAN_REPORT_DFID_NAME = 0xc00;
const FAN_MARK_ADD = 1;
const FAN_CLOSE_WRITE = 8;
const FAN_EVENT_ON_CHILD = 0x0800_0000;
const AT_FDCWD = -100;

/** `struct fanotify_event_metadata`, and the handle record behind it up to the length of its handle. */
const METADATA = 24;
const HANDLE_AT = METADATA + 12;

interface Write {
  readonly name: string;
  readonly pid: number;
}

export class WritesWithPid {
  readonly #fd: number;
  readonly #libc = loadLibc();
  readonly #bytes = Buffer.alloc(64 * 1024);
  readonly #now: () => number;
  readonly #heard: (write: Write, since: number) => void;
  readonly #remove: () => void;
  #emptyAt: number;
  #isReading = false;

  /** `now` is CLOCK_MONOTONIC in ms; `since` the last time at which nothing was left to read. */
  constructor(
    folder: string,
    watch: ReadableWatch,
    now: () => number,
    heard: (write: Write, since: number) => void,
  ) {
    this.#now = now;
    this.#heard = heard;
    this.#emptyAt = now();
    const init = bindCall('fanotify_init', 'int', ['uint32', 'uint32']);
    const mark = bindCall('fanotify_mark', 'int', ['int', 'uint32', 'uint64', 'int', 'void *']);
    this.#fd = init(FAN_CLOEXEC | FAN_NONBLOCK | FAN_REPORT_DFID_NAME, 0);
    const marked = mark(
      this.#fd,
      FAN_MARK_ADD,
      FAN_CLOSE_WRITE | FAN_EVENT_ON_CHILD,
      AT_FDCWD,
      pathBytes(folder),
    );
    if (this.#fd < 0 || marked < 0) throw new Error(`fanotify: ${errnoName(Math.min(this.#fd, marked))}`);
    this.#remove = watch.add({ fd: this.#fd, events: POLL.IN, ready: () => (this.read(), 0) });
  }

  /** Reads what is there. */
  read(): void {
    if (this.#isReading) return;
    this.#isReading = true;
    for (;;) {
      const at = this.#now();
      const length = this.#libc.read(this.#fd, this.#bytes);
      if (length <= 0) {
        this.#emptyAt = at;
        break;
      }
      for (const write of writesIn(Buffer.from(this.#bytes.subarray(0, length))))
        this.#heard(write, this.#emptyAt);
    }
    this.#isReading = false;
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
    yield { pid: event.readInt32LE(20), name: name.toString('utf8', 0, name.indexOf(0)) };
  }
}
