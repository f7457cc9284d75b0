import { MODULES } from '../../shared/modules.ts';
import type { BlackoutWindow, ReducedActivity } from '../../shared/profile.ts';
import { Refused } from '../errors.ts';

const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];
const HOLDS: ReducedActivity['holds'] = ['collection', 'transmission'];

/** How windows are written, for help and refusals. */
export const WINDOWS_HELP = `
  blackout='Mon-Fri 22:00-06:00; Sat,Sun 00:00-00:00'
                                     when nothing is sent: days, local time of the host; an end that is not
                                     after its begin is on the next day
  reduced='Mon-Fri 09:00-12:00 collection VM,PC; daily 08:00-09:00 transmission'
                                     when modules, all without a list, start no scheduled scan (collection),
                                     upload nothing (transmission) or neither (collection,transmission)
                                     both take an empty value for none`;

/** Reads blackout windows, separated by `;`. An empty text is none. Throws `Refused`. */
export function parseBlackout(text: string): BlackoutWindow[] {
  return entriesOf(text).map((entry) => {
    const [days, times, ...rest] = entry.split(/\s+/);
    if (rest.length > 0) throw bad(entry, 'Mon-Fri 22:00-06:00');
    return windowOf(entry, days, times);
  });
}

/** Reads reduced-activity periods, separated by `;`. An empty text is none. Throws `Refused`. */
export function parseReduced(text: string): ReducedActivity[] {
  const example = 'Mon-Fri 09:00-12:00 collection VM,PC';
  return entriesOf(text).map((entry) => {
    const [days, times, holds, modules, ...rest] = entry.split(/\s+/);
    const held = wordsOf(holds, HOLDS);
    const concerned = modules === undefined ? [] : wordsOf(modules, MODULES);
    if (held === undefined || concerned === undefined || rest.length > 0) throw bad(entry, example);
    return { ...windowOf(entry, days, times), holds: held, modules: concerned };
  });
}

/** Windows as `parseBlackout` reads them. */
export function formatBlackout(windows: readonly BlackoutWindow[]): string {
  return windows.map(formatWindow).join('; ');
}

/** Periods as `parseReduced` reads them. */
export function formatReduced(periods: readonly ReducedActivity[]): string {
  return periods
    .map((period) =>
      [formatWindow(period), period.holds.join(','), period.modules.join(',')].join(' ').trim(),
    )
    .join('; ');
}

const entriesOf = (text: string): string[] =>
  text
    .split(';')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');

const bad = (entry: string, example: string): Refused =>
  new Refused(`"${entry.slice(0, 100)}" is not a window: write, for example, ${example}`);

function windowOf(entry: string, days: string | undefined, times: string | undefined): BlackoutWindow {
  const found = daysOf(days ?? '');
  const match = /^((?:[01]\d|2[0-3]):[0-5]\d)-((?:[01]\d|2[0-3]):[0-5]\d)$/.exec(times ?? '');
  const [, start, end] = match ?? [];
  if (found === undefined || start === undefined || end === undefined) {
    throw bad(entry, 'Mon-Fri 22:00-06:00');
  }
  return { days: found, start, end };
}

/** `daily`, names, and ranges of them, which may go over the end of the week. */
function daysOf(text: string): number[] | undefined {
  if (text.toLowerCase() === 'daily') return [1, 2, 3, 4, 5, 6, 7];
  const found = new Set<number>();
  for (const part of text.split(',')) {
    const [from, to = from, ...rest] = part.split('-').map(dayOf);
    if (from === undefined || to === undefined || rest.length > 0) return undefined;
    for (let day = from; ; day = (day % 7) + 1) {
      found.add(day);
      if (day === to) break;
    }
  }
  return [...found].sort((a, b) => a - b);
}

function dayOf(name: string): number | undefined {
  const at = DAYS.findIndex((day) => day.toLowerCase() === name.toLowerCase());
  return at < 0 ? undefined : at + 1;
}

function wordsOf<T extends string>(text: string | undefined, known: readonly T[]): T[] | undefined {
  const words = (text ?? '')
    .split(',')
    .map((word) => known.find((one) => one.toLowerCase() === word.toLowerCase()));
  return words.some((word) => word === undefined) ? undefined : ([...new Set(words)] as T[]);
}

function formatWindow({ days, start, end }: BlackoutWindow): string {
  const names = days.length === 7 ? 'daily' : days.map((day) => DAYS[day - 1]).join(',');
  return `${names} ${start}-${end}`;
}
