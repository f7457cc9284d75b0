import { ERRNO } from '../../native/libc.ts';
import type { FanotifyCalls } from './calls.ts';
import { FAN, FAN_MARK } from './fanotify-abi.ts';

/** Events of one directory after which the kernel is asked to keep further ones. */
const ENOUGH = 128;
/** Directories that are counted, and most that are kept quiet; beyond, both begin anew. */
const COUNTED = 4_096;
const MOST = 20_000;

const FLAGS =
  FAN_MARK.ADD | FAN_MARK.IGNORE | FAN_MARK.IGNORED_SURV_MODIFY | FAN_MARK.EVICTABLE | FAN_MARK.ONLYDIR;
/**
 * What is ignored: files alone, and no moves. A move out of a directory that ignored it would be hidden from where it goes
 * to, and moves of directories have to be seen, for they may bring a directory to where a rule looks.
 */
const MASK = FAN.CREATE | FAN.DELETE | FAN.MODIFY | FAN.CLOSE_WRITE | FAN.ATTRIB | FAN.EVENT_ON_CHILD;

/**
 * Directories that no rule asks for and in which much happens: the kernel is told to make no events of their files, so
 * that they cost neither those who write there nor this process. The marks give way when memory is short, and hold no
 * inode (`FAN_MARK_EVICTABLE`). They have to go (`clear`) before anything is reported that may have brought one of them
 * to where a rule looks: moves of directories, mounts, other rules, lost events. Needs Linux 6.0; before, it does nothing.
 */
export class IgnoredDirectories {
  readonly #calls: FanotifyCalls;
  readonly #group: number;
  readonly #open: (directory: string) => number;
  readonly #counts = new Map<string, number>();
  #pending: string[] = [];
  #marked = 0;
  #possible = true;

  /** `open` opens a directory by its handle, or gives `-errno`. */
  constructor(calls: FanotifyCalls, group: number, open: (directory: string) => number) {
    this.#calls = calls;
    this.#group = group;
    this.#open = open;
  }

  /** One more event of a directory that concerns no rule. */
  count(directory: string): void {
    if (!this.#possible) return;
    const count = (this.#counts.get(directory) ?? 0) + 1;
    if (this.#counts.size >= COUNTED) this.#counts.clear();
    this.#counts.set(directory, count);
    if (count === ENOUGH) this.#pending.push(directory);
  }

  /** Sets the marks that are due: at the end of a turn, when everything that was read is reported. */
  mark(): void {
    const due = this.#pending;
    this.#pending = [];
    for (const directory of due) this.#mark(directory);
  }

  /** All events come again from here on. */
  clear(): void {
    this.#counts.clear();
    this.#pending = [];
    if (this.#marked === 0) return;
    this.#marked = 0;
    this.#calls.mark(this.#group, FAN_MARK.FLUSH, 0, '/');
  }

  #mark(directory: string): void {
    if (!this.#possible) return;
    const fd = this.#open(directory);
    if (fd < 0) return;
    if (this.#marked >= MOST) this.clear();
    const result = this.#calls.mark(this.#group, FLAGS, MASK, '.', fd);
    this.#calls.libc.close(fd);
    if (result >= 0) this.#marked += 1;
    else if (result === -ERRNO.EINVAL) this.#possible = false;
  }
}
