/*
 * The three functions of proxy scripts that ask for the time, to the description that Netscape gave them. Each takes
 * its arguments as text and the instant in ms since the epoch; a last argument `GMT` means UTC instead of local time.
 * Arguments that make no sense give `false`.
 */

const WEEKDAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];
const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];

/** Numbers up to this are days of a month, above it years. */
const LAST_DAY = 31;

interface Moment {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly weekday: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
}

/** `weekdayRange("MON")`, `weekdayRange("FRI", "MON")`: both ends belong to it, the second may be in the next week. */
export function weekdayRange(args: readonly string[], now: number): boolean {
  const { rest, moment } = split(args, now);
  if (rest.length < 1 || rest.length > 2) return false;
  const [from = -1, to = from] = rest.map((name) => WEEKDAYS.indexOf(name));
  return from >= 0 && to >= 0 && isBetween([moment.weekday], [from], [to]);
}

/**
 * `dateRange` with a day, month or year, or with two dates of the same parts. Both ends belong to it. A range without a
 * year may go over new year's eve, one of days over the end of a month.
 */
export function dateRange(args: readonly string[], now: number): boolean {
  const { rest, moment } = split(args, now);
  const parts = rest.map(datePart);
  const half = parts.length === 1 ? 1 : parts.length / 2;
  const from = dateOf(parts.slice(0, half));
  const to = dateOf(parts.slice(-half));
  if (from === undefined || to === undefined || !Number.isInteger(half)) return false;
  const names = (['year', 'month', 'day'] as const).filter((name) => name in from);
  if (names.length !== Object.keys(to).length || names.some((name) => !(name in to))) return false;
  const values = (date: Partial<Moment>): number[] => names.map((name) => date[name] ?? 0);
  return isBetween(values(moment), values(from), values(to), !names.includes('year'));
}

/**
 * `timeRange` with one hour, or with two times of one to three parts. Both ends belong to it, as whole hours, minutes or
 * seconds; times with minutes may go over midnight. Two bare hours may not, as in browsers.
 */
export function timeRange(args: readonly string[], now: number): boolean {
  const { rest, moment } = split(args, now);
  const numbers = rest.map(Number);
  if (![1, 2, 4, 6].includes(numbers.length) || numbers.some((number) => Number.isNaN(number))) return false;
  const half = Math.ceil(numbers.length / 2);
  const time = [moment.hour, moment.minute, moment.second].slice(0, half);
  return isBetween(time, numbers.slice(0, half), numbers.slice(-half), half > 1);
}

function split(args: readonly string[], now: number): { rest: readonly string[]; moment: Moment } {
  const gmt = args.at(-1) === 'GMT';
  const at = new Date(now);
  const local = new Date(now - (gmt ? 0 : at.getTimezoneOffset() * 60_000));
  const moment = {
    year: local.getUTCFullYear(),
    month: local.getUTCMonth(),
    day: local.getUTCDate(),
    weekday: local.getUTCDay(),
    hour: local.getUTCHours(),
    minute: local.getUTCMinutes(),
    second: local.getUTCSeconds(),
  };
  return { rest: gmt ? args.slice(0, -1) : args, moment };
}

function datePart(text: string): Partial<Moment> {
  const month = MONTHS.indexOf(text);
  if (month >= 0) return { month };
  const number = Number.parseInt(text, 10);
  if (Number.isNaN(number)) return {};
  return number <= LAST_DAY ? { day: number } : { year: number };
}

/** The parts as one date, `undefined` when one is missing, senseless or there twice. */
function dateOf(parts: readonly Partial<Moment>[]): Partial<Moment> | undefined {
  const date = parts.reduce((all, part) => ({ ...all, ...part }), {});
  return parts.length > 0 && Object.keys(date).length === parts.length ? date : undefined;
}

/** Whether a value lies between two others, compared part by part; one that wraps holds what lies outside `to`–`from`. */
function isBetween(
  value: readonly number[],
  from: readonly number[],
  to: readonly number[],
  wraps = true,
): boolean {
  const afterFrom = compare(from, value) <= 0;
  const beforeTo = compare(value, to) <= 0;
  return wraps && compare(from, to) > 0 ? afterFrom || beforeTo : afterFrom && beforeTo;
}

function compare(left: readonly number[], right: readonly number[]): number {
  for (const [index, value] of left.entries()) {
    const difference = value - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
