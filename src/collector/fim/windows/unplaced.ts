import type { StartTimer } from '../../debounce.ts';
import type { FileNumber } from './usn.ts';

/** Between two tellings, and how long a directory is taken for one that can't be placed, ms. */
const TELL_MS = 300_000;

/** Directories that are remembered. */
const MAX_DIRECTORIES = 4_096;

/**
 * Changes in directories of which Windows does not tell where they are. Whatever it was has all that is watched on the drive
 * walked, so it is told at once and then every few minutes at most, however much happens there.
 */
export class Unplaced {
  readonly #startTimer: StartTimer;
  readonly #tell: (count: number) => void;
  readonly #known = new Set<FileNumber>();
  #count = 0;
  #cancel: (() => void) | undefined;

  /** `tell` gets the number of changes since it was called last. */
  constructor(startTimer: StartTimer, tell: (count: number) => void) {
    this.#startTimer = startTimer;
    this.#tell = tell;
  }

  /** Whether this directory could not be placed a short time ago: it is not asked for again. */
  has(directory: FileNumber): boolean {
    return this.#known.has(directory);
  }

  /** A change in such a directory. */
  add(directory: FileNumber): void {
    this.#count += 1;
    if (this.#known.size < MAX_DIRECTORIES) this.#known.add(directory);
  }

  /** Tells of what was added, unless something was told a short time ago. */
  settle(): void {
    if (this.#count === 0 || this.#cancel !== undefined) return;
    const count = this.#count;
    this.#count = 0;
    this.#cancel = this.#startTimer(TELL_MS, () => {
      this.#cancel = undefined;
      this.#known.clear();
      this.settle();
    });
    this.#tell(count);
  }

  /** Tells what was not told yet: the next run does not read it again. */
  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    if (this.#count > 0) this.#tell(this.#count);
    this.#count = 0;
  }
}
