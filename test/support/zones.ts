import type { OffsetAt } from '../../src/shared/weekly-windows.ts';

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
