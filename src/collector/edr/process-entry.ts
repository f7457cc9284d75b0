import type { Attribution, Moment } from '../fim/change.ts';
import type { Program } from './program.ts';

/** Spans of one process that are remembered; what it was before them is no longer known. */
const MOST_SPANS = 8;

/** Why it is not known what a process runs. */
export const WHY = {
  gone: 'gone before it could be read',
  replaced: 'its program was replaced before it could be read',
} as const;

/** What was read of a program in one process. Those that it forks share it, so that all of them learn of a doubt. */
export interface Image {
  /** Of whom it was read. */
  readonly pid: number;
  program: Program | undefined;
  /** Why there is no program. */
  why: string;
  /** When it was read, ms of CLOCK_MONOTONIC. */
  readAt: number;
}

/** The real and the effective user. */
export interface Uids {
  readonly real: number;
  readonly effective: number;
}

/** From when on a process ran one program as one user, ms of CLOCK_MONOTONIC. */
export interface Span {
  readonly from: number;
  readonly image: Image;
  readonly uid: Uids | undefined;
  /**
   * Whether the program before had no thread beside the one that started this one: then it did nothing between opening this
   * one's file and its own end.
   */
  readonly cleanStart: boolean;
  /** What is said of a change in this span, and what it was made of: kept once it was asked for. */
  said?: {
    readonly program: Program;
    readonly manager: string | undefined;
    readonly attribution: Attribution;
  };
}

/** A run of a package manager: what its processes do is labelled until it ends. */
export interface Manager {
  readonly name: string;
  /** Ms of CLOCK_MONOTONIC. */
  readonly startedAt: number;
  endedAt: number | undefined;
}

/** One process. A pid and a start are one for ever. */
export interface ProcessEntry {
  readonly pid: number;
  /** Start in clock ticks since the boot, by the fork's time at first, exact once it was read. */
  startTicks: number;
  startIsExact: boolean;
  readonly parent: { readonly pid: number; readonly image: Image | undefined };
  /** The name that the kernel has for it, where it was read. */
  name: string | undefined;
  loginUid: number | undefined;
  /** Oldest first; never empty. */
  readonly spans: Span[];
  /** From when on nothing of this process was missed. */
  sureFrom: number;
  /** The package manager that it is or comes from. */
  manager: Manager | undefined;
  /** The one that it is itself: it ends with it. */
  ownManager: Manager | undefined;
  threads: number;
  /** Whether its program ever had a second thread, or may have had one. */
  threaded: boolean;
  /** Its first thread has ended, others go on. */
  leaderGone: boolean;
  /** Whether it ran a program of its own, unlike a fork that runs its parent's. */
  executed: boolean;
  endedAt: number | undefined;
  /** Number of losses after which this was last right. */
  epoch: number;
  /** The one that had this pid before. */
  previous: ProcessEntry | undefined;
}

/** What a process runs now, and as whom. */
export function lastSpan(entry: ProcessEntry): Span {
  const last = entry.spans.at(-1);
  if (last === undefined) throw new RangeError('a process has no span');
  return last;
}

/** Appends a span; the oldest leaves where there are too many, and what was before it is no longer sure. */
export function addSpan(entry: ProcessEntry, span: Span): void {
  entry.spans.push(span);
  if (entry.spans.length <= MOST_SPANS) return;
  entry.spans.shift();
  entry.sureFrom = Math.max(entry.sureFrom, entry.spans[0]?.from ?? span.from);
}

/** The spans of a process in which something at that moment may have happened. */
export function spansAt(entry: ProcessEntry, { since, until, noExecAfter }: Moment): readonly Span[] {
  const spans = entry.spans.filter(({ from }, index) => {
    const end = entry.spans[index + 1]?.from ?? Number.POSITIVE_INFINITY;
    return end > since && from <= until;
  });
  const last = spans.at(-1);
  const start = spans.findIndex(({ image }) => image === last?.image);
  const device = last?.image.program?.file?.dev;
  // Its file was opened for execution before it began, so before what is asked about, as nothing was after that.
  const isAfter = spans[start]?.cleanStart === true && device !== undefined && noExecAfter?.(device) === true;
  return isAfter ? spans.slice(start) : spans;
}
