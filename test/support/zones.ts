import type { OffsetAt } from '../../src/shared/weekly-windows.ts';

const MINUTE = 60_000;
const QUARTER = 15 * MINUTE;
const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];

/** What a clock on the wall of a zone shows, by ICU: ISO weekday and `HH:MM`. */
export interface WallClock {
  readonly day: number;
  readonly time: string;
}

type Parts = Readonly<Partial<Record<Intl.DateTimeFormatPartTypes, string>>>;

function partsOf(zone: string): (ms: number) => Parts {
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone,
    weekday: 'short',
    ...{ year: 'numeric', month: '2-digit', day: '2-digit' },
    ...{ hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' },
  });
  return (ms) => Object.fromEntries(format.formatToParts(ms).map(({ type, value }) => [type, value]));
}

/** The clock on the wall of a zone (tz database name). */
export function wallClock(zone: string): (ms: number) => WallClock {
  const parts = partsOf(zone);
  return (ms) => {
    const { weekday = '', hour = '', minute = '' } = parts(ms);
    return { day: DAYS.indexOf(weekday) + 1, time: `${hour}:${minute}` };
  };
}

/** The offset of a zone, ms, by ICU. */
export function offsetOf(zone: string): OffsetAt {
  const parts = partsOf(zone);
  return (ms) => {
    const { year = '', month = '', day = '', hour = '', minute = '', second = '' } = parts(ms);
    const wall = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
    return wall - Math.floor(ms / 1000) * 1000;
  };
}

/** A window as a person reads it off the clock on the wall: slow, and obviously right. */
export function readsInside(
  windows: readonly { readonly days: readonly number[]; readonly start: string; readonly end: string }[],
  wall: WallClock,
): boolean {
  const yesterday = ((wall.day + 5) % 7) + 1;
  return windows.some(({ days, start, end }) => {
    if (start < end) return days.includes(wall.day) && wall.time >= start && wall.time < end;
    return (days.includes(wall.day) && wall.time >= start) || (days.includes(yesterday) && wall.time < end);
  });
}

/** ICU is slow, and a zone changes its offset at whole quarters of an hour only: one answer for each of them. */
export function remembered<T>(answer: (ms: number) => T): (ms: number) => T {
  const known = new Map<number, T>();
  return (ms) => {
    const quarter = Math.floor(ms / QUARTER);
    const found = known.get(quarter) ?? answer(quarter * QUARTER);
    if (known.size > 5_000) known.clear();
    known.set(quarter, found);
    return found;
  };
}

/** As `wallClock`, by what the clock shows at the last quarter of an hour and the minutes since. */
export function rememberedClock(zone: string): (ms: number) => WallClock {
  const atQuarter = remembered(wallClock(zone));
  return (ms) => {
    const { day, time } = atQuarter(ms);
    const minute = Number(time.slice(3)) + Math.floor((ms % QUARTER) / MINUTE);
    return { day, time: `${time.slice(0, 3)}${String(minute).padStart(2, '0')}` };
  };
}
