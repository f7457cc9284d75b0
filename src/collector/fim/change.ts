import type { EventActor } from '../../shared/host-events.ts';

/** Who did it, as a source says. Shared between changes, so never changed. */
export interface Attribution {
  /** `unknown` with the reason where it can't be known; never a guess. */
  readonly actor: EventActor;
  /** The package manager that the process is, or that started it: `dpkg`, `rpm`, … */
  readonly packageManager?: string;
  /** The path of its executable leads to another file here: it stands in a mount namespace that anybody can make. */
  readonly isElsewhere?: boolean;
}

/** When something can have happened, as its source knows. Times are ms of CLOCK_MONOTONIC (`process.hrtime`). */
export interface Moment {
  /** The earliest: when the source was about to read and then found nothing left. */
  readonly since: number;
  /** The latest: when the source had read everything that it had. */
  readonly until: number;
  /**
   * Set where the source also reports, in the order of everything else, what is opened for execution (FAN_OPEN_EXEC), none
   * of it was lost, and up to `until` this process opened nothing for execution after what is asked about. Says for
   * which devices (`st_dev`) that is reported. What is asked about is then no doing of a program that was replaced since.
   */
  readonly noExecAfter?: ((device: bigint) => boolean) | undefined;
  /** The kernel said that the process had ended when this was read: whoever runs under its pid is another one. */
  readonly isGone?: boolean;
}

/**
 * Looks a process up by its pid. Without a moment the whole time since the start counts, and a process that started another
 * program in it is unknown.
 */
export type Attribute = (pid: number, moment?: Moment) => Attribution;

/** What happened to a path, as bits: a source may report several at once. */
export const CHANGE = {
  created: 1,
  /** Bytes were written; the file may still be open for writing. */
  modified: 2,
  /** It was closed after writing. */
  closedAfterWrite: 4,
  attributes: 8,
  deleted: 16,
  movedFrom: 32,
  movedTo: 64,
} as const;

/**
 * One thing that a source saw. It says where to look and who was there, never what the file is now: that is read from the
 * disk. Paths are host text (`decodeHostText`), absolute, as seen from the root of the host.
 */
export interface RawChange {
  readonly path: string;
  /** Bits of `CHANGE`. */
  readonly what: number;
  readonly directory: boolean;
  /** For `movedTo`: where it came from, if the source knows. */
  readonly from?: string;
  /** When the source read it, ms since the epoch; of what is late, when it happened. */
  readonly at: number;
  readonly by: Attribution;
  /** It happened while the source did not run, and stands in a journal that was read afterwards. */
  readonly late?: boolean;
}

/** Where something below these directories may have changed that nobody saw: they are walked again. */
export interface LostChanges {
  readonly reason: 'overflow' | 'mount' | 'restart' | 'error';
  /** Absolute host paths; empty for everything that the rules name. */
  readonly below: readonly string[];
  /** How many events are known to be lost; `undefined` where nobody knows. */
  readonly count?: number;
}
