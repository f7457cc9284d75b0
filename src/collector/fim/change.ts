import type { EventActor } from '../../shared/host-events.ts';

/** Who did it, as a source says. Shared between changes, so never changed. */
export interface Attribution {
  /** `unknown` with the reason where it can't be known; never a guess. */
  readonly actor: EventActor;
  /** The package manager that the process is, or that started it: `dpkg`, `rpm`, … */
  readonly packageManager?: string;
}

/** What a source knows of when a process acted. */
export interface Heard {
  /**
   * The earliest moment at which it can have acted, ms of CLOCK_MONOTONIC (as `process.hrtime`): when the source was about
   * to read and then found nothing left. Without one the whole time since the start counts, and a process that started
   * another program in it is unknown.
   */
  readonly since?: number;
  /** The kernel says that it has ended: the pid may be another's by now, and only what was remembered of it counts. */
  readonly gone?: boolean;
}

/** Looks a process up by its pid. */
export type Attribute = (pid: number, heard?: Heard) => Attribution;

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
  /** When the source read it, ms since the epoch. */
  readonly at: number;
  readonly by: Attribution;
}

/** Where something below these directories may have changed that nobody saw: they are walked again. */
export interface LostChanges {
  readonly reason: 'overflow' | 'mount' | 'restart' | 'error';
  /** Absolute host paths; empty for everything that the rules name. */
  readonly below: readonly string[];
  /** How many events are known to be lost; `undefined` where nobody knows. */
  readonly count?: number;
}
