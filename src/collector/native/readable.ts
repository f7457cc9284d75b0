import { ERRNO, errnoName, loadLibc, POLL, POLLFD_BYTES, type Libc } from './libc.ts';

/** What a descriptor is waited for, and who reads it. */
export interface Watched {
  readonly fd: number;
  /** Bits of `POLL`; errors and hang-ups are always told. */
  readonly events: number;
  /**
   * The descriptor has something. Reads without blocking until EAGAIN or a bounded number of bytes: what is left is told
   * again at once. Gives how many ms to leave the descriptor alone from now on; 0 for not at all.
   */
  readonly ready: (revents: number) => number;
}

interface Entry extends Watched {
  /** When to ask for it again, ms of the clock. */
  resumeAt: number;
}

/**
 * Waits for several descriptors at once in one thread of libuv's pool: one poll(2) without end, so that nothing wakes up
 * while nothing happens, and an eventfd that ends it when the set changes. `now` is a monotonic clock, ms. A process that
 * exits while a watch waits would wait for its thread: the watch ends it then.
 */
export class ReadableWatch {
  readonly #libc: Libc;
  readonly #now: () => number;
  readonly #failed: (reason: string) => void;
  readonly #entries = new Map<number, Entry>();
  readonly #wakeFd: number;
  readonly #one = Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]);
  readonly #onExit = (): void => this.#wake();
  #waiting = false;
  #turnDue = false;
  #stopped: (() => void) | undefined;
  #closed = false;

  /** `failed` is told once when poll itself refuses, which ends the watch. Throws off Linux and without descriptors. */
  constructor(options: { now: () => number; failed: (reason: string) => void; libc?: Libc }) {
    this.#libc = options.libc ?? loadLibc();
    this.#now = options.now;
    this.#failed = options.failed;
    this.#wakeFd = this.#libc.eventfd();
    if (this.#wakeFd < 0) throw new Error(`eventfd: ${errnoName(this.#wakeFd)}`);
    process.on('exit', this.#onExit);
  }

  /** Waits for one more descriptor. The result takes it out again; only then may it be closed. */
  add(watched: Watched): () => void {
    if (this.#closed || this.#stopped !== undefined) throw new Error('the watch has ended');
    const entry = { ...watched, resumeAt: 0 };
    this.#entries.set(watched.fd, entry);
    this.#changed();
    return () => {
      if (this.#entries.get(watched.fd) !== entry) return;
      this.#entries.delete(watched.fd);
      this.#changed();
    };
  }

  /** Ends the thread. Descriptors stay open: they are their owners'. */
  async stop(): Promise<void> {
    if (this.#closed) return;
    this.#entries.clear();
    if (this.#waiting) {
      await new Promise<void>((resolve) => {
        this.#stopped = resolve;
        this.#wake();
      });
    }
    this.#close();
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    process.off('exit', this.#onExit);
    this.#libc.close(this.#wakeFd);
  }

  #wake(): void {
    if (!this.#closed) this.#libc.write(this.#wakeFd, this.#one);
  }

  /** The next wait takes the new set; one that is under way ends first. */
  #changed(): void {
    if (this.#waiting) this.#wake();
    else this.#turn();
  }

  /** Begins the next wait once the event loop has seen to everything else. */
  #turn(): void {
    if (this.#turnDue) return;
    this.#turnDue = true;
    setImmediate(() => {
      this.#turnDue = false;
      if (!this.#closed && !this.#waiting && this.#entries.size > 0) this.#wait();
    });
  }

  #wait(): void {
    const now = this.#now();
    const entries = [...this.#entries.values()];
    const due = entries.filter(({ resumeAt }) => resumeAt <= now);
    const rest = Math.min(...entries.filter((entry) => entry.resumeAt > now).map(({ resumeAt }) => resumeAt));
    const timeoutMs = Number.isFinite(rest) ? Math.max(1, Math.ceil(rest - now)) : -1;
    const fds = this.#pollSet(due);
    this.#waiting = true;
    this.#libc.pollInThread(fds, timeoutMs, (result) => {
      this.#waiting = false;
      this.#woken(fds, due, result);
    });
  }

  /** `struct pollfd` for each, the eventfd first. */
  #pollSet(due: readonly Entry[]): Buffer {
    const fds = Buffer.alloc((due.length + 1) * POLLFD_BYTES);
    [{ fd: this.#wakeFd, events: POLL.IN }, ...due].forEach(({ fd, events }, index) => {
      fds.writeInt32LE(fd, index * POLLFD_BYTES);
      fds.writeInt16LE(events, index * POLLFD_BYTES + 4);
    });
    return fds;
  }

  #woken(fds: Buffer, due: readonly Entry[], result: number): void {
    if (this.#stopped !== undefined) {
      this.#stopped();
      return;
    }
    if (result < 0 && this.#refused(fds)) return;
    if (fds.readInt16LE(6) !== 0) this.#libc.read(this.#wakeFd, Buffer.alloc(8));
    due.forEach((entry, index) => {
      const revents = fds.readInt16LE((index + 1) * POLLFD_BYTES + 6);
      if (revents !== 0 && this.#entries.get(entry.fd) === entry) this.#tell(entry, revents);
    });
    this.#turn();
  }

  #tell(entry: Entry, revents: number): void {
    const restMs = entry.ready(revents);
    entry.resumeAt = restMs > 0 ? this.#now() + restMs : 0;
  }

  /** Whether poll refuses for good: asked again at once, since the errno of another thread can't be read. */
  #refused(fds: Buffer): boolean {
    const again = this.#libc.pollNow(fds);
    if (again >= 0 || again === -ERRNO.EINTR || again === -ERRNO.EAGAIN) return false;
    this.#close();
    this.#failed(`poll: ${errnoName(again)}`);
    return true;
  }
}
