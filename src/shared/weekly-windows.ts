/** A time of the week: ISO weekdays on which it begins, 1 = Monday, and local times `HH:MM`. */
export interface WeeklyWindow {
  readonly days: readonly number[];
  readonly start: string;
  readonly end: string;
}

/** How far local time is ahead of UTC at a moment, ms: the zone of a host, or of a test. */
export type OffsetAt = (ms: number) => number;

const MINUTE_MS = 60_000;
const DAY_MS = 1440 * MINUTE_MS;
const WEEK_MS = 7 * DAY_MS;

/** The epoch was a Thursday: the time since the Monday before it. */
const EPOCH_MS = 3 * DAY_MS;

/**
 * Longest step of the search, ms. Between two looks the offset may change once: no zone has ever changed its own twice
 * within six hours (tz database).
 */
const HOP_MS = 6 * 60 * MINUTE_MS;

/** How far ahead the search looks, ms: a week shows every window, and a change of the offset moves one by hours. */
const HORIZON_MS = WEEK_MS + 2 * DAY_MS;

/** Windows of a week as intervals of ms from Monday 00:00, which are exact: `from` in the week, `to` may lie in the next. */
interface Interval {
  readonly from: number;
  readonly to: number;
}

function msOf(time: string): number {
  return (Number(time.slice(0, 2)) * 60 + Number(time.slice(3, 5))) * MINUTE_MS;
}

/** An end that is not after the start belongs to the next day, so that equal ones are a whole day (C12). */
function intervalsOf(windows: readonly WeeklyWindow[]): Interval[] {
  return windows.flatMap(({ days, start, end }) => {
    const length = (msOf(end) - msOf(start) + DAY_MS) % DAY_MS || DAY_MS;
    return days.map((day) => {
      const from = (day - 1) * DAY_MS + msOf(start);
      return { from, to: from + length };
    });
  });
}

/** `time` of the week; an interval that goes over its end holds the first part of the next as well. */
function contains(intervals: readonly Interval[], time: number): boolean {
  return intervals.some(({ from, to }) => (time >= from && time < to) || time + WEEK_MS < to);
}

/** The time since Monday 00:00 that the clock on the wall shows, ms. */
function wallTime(at: number, offsetAt: OffsetAt): number {
  const time = at + offsetAt(at) + EPOCH_MS;
  return ((time % WEEK_MS) + WEEK_MS) % WEEK_MS;
}

/**
 * Whether the clock on the wall stands inside one of the windows (R153, R154, C12). An hour that daylight saving leaves out
 * is in no window, one that it repeats is in its window twice.
 */
export function insideWindows(windows: readonly WeeklyWindow[], at: number, offsetAt: OffsetAt): boolean {
  return contains(intervalsOf(windows), wallTime(at, offsetAt));
}

/** Whether windows leave no minute of a week free. */
export function coverWholeWeek(windows: readonly WeeklyWindow[]): boolean {
  const intervals = intervalsOf(windows);
  // A gap begins where some window ends.
  return intervals.length > 0 && intervals.every(({ to }) => contains(intervals, to % WEEK_MS));
}

/**
 * The next moment after `at` (ms since the epoch) at which `insideWindows` gives the other answer: the end of a window, or
 * of several that touch or overlap, else the begin of the next. `null` when that never happens.
 */
export function windowChangeAfter(
  windows: readonly WeeklyWindow[],
  at: number,
  offsetAt: OffsetAt,
): number | null {
  const intervals = intervalsOf(windows);
  const bounds = [...new Set(intervals.flatMap(({ from, to }) => [from, to % WEEK_MS]))].sort(
    (a, b) => a - b,
  );
  if (bounds.length === 0) return null;
  const inside = contains(intervals, wallTime(at, offsetAt));
  for (let moment = at; moment < at + HORIZON_MS;) {
    moment = nextCandidate(bounds, moment, offsetAt);
    if (contains(intervals, wallTime(moment, offsetAt)) !== inside) return moment;
  }
  return null;
}

/** The next moment at which the answer may change: a bound on the wall, a change of the offset, or just a look further on. */
function nextCandidate(bounds: readonly number[], from: number, offsetAt: OffsetAt): number {
  const wall = wallTime(from, offsetAt);
  const bound = bounds.find((time) => time > wall) ?? (bounds[0] ?? 0) + WEEK_MS;
  const to = from + Math.min(bound - wall, HOP_MS);
  return offsetAt(to) === offsetAt(from) ? to : firstWithOtherOffset(from, to, offsetAt);
}

function firstWithOtherOffset(from: number, to: number, offsetAt: OffsetAt): number {
  const before = offsetAt(from);
  let [same, other] = [from, to];
  while (other - same > 1) {
    const middle = Math.floor((same + other) / 2);
    if (offsetAt(middle) === before) same = middle;
    else other = middle;
  }
  return other;
}
