import { z } from 'zod';
import { LOG_LEVELS, type LogLevel } from '../../shared/profile.ts';
import { toInstant } from '../clock.ts';
import type { Context } from './context.ts';
import type { LevelOverride } from './facts.ts';

/** Longest that SET_LOG_LEVEL holds: a host must not fill its disk for a trace that everyone has forgotten. */
const LONGEST_MS = 7 * 24 * 3600 * 1000;

const Stored = z.object({ level: z.enum(LOG_LEVELS), until: z.number() });

const Arguments = z.object({ level: z.enum(LOG_LEVELS), until: z.iso.datetime({ offset: true }) });

const OVERRIDE = 'logLevel';

/** The override of the last run, if any. */
export function storedOverride(store: Context['store']): LevelOverride | null {
  return store.kv.get(OVERRIDE, Stored) ?? null;
}

/** Whether an override holds: until its end, and not while a clock that was set back puts that further off than allowed. */
function holds(override: LevelOverride | null, now: number): override is LevelOverride {
  return override !== null && override.until > now && override.until - now <= LONGEST_MS;
}

/** The level in force: the platform's override while it holds, else the profile's (R151). */
export function effectiveLevel(
  profileLevel: LogLevel,
  override: LevelOverride | null,
  now: number,
): LogLevel {
  return holds(override, now) ? override.level : profileLevel;
}

/** When the level changes by itself, ms since the epoch; `null` when only an event changes it. */
export function nextLevelChangeAt(override: LevelOverride | null, now: number): number | null {
  return holds(override, now) ? override.until : null;
}

/**
 * Takes the arguments of SET_LOG_LEVEL: `level`, and `until` in RFC 3339, which must lie ahead by at most seven days on
 * the platform's clock. The override is durable when this returns. Returns why not, `undefined` when it was taken.
 */
export function overrideLevel(context: Context, args: Readonly<Record<string, unknown>>): string | undefined {
  const parsed = Arguments.safeParse(args);
  if (!parsed.success) {
    return `needs level (${LOG_LEVELS.join(', ')}) and until, an end time such as 2026-11-20T18:00:00Z`;
  }
  const { level } = parsed.data;
  const until = Date.parse(parsed.data.until) - context.clockOffsetSec() * 1000;
  const override = { level, until };
  if (!holds(override, context.clock.now())) return 'until must lie ahead, by 7 days at most';
  context.store.kv.set(OVERRIDE, override);
  context.update({ levelOverride: override });
  return undefined;
}

/** Once over it is over: a clock that is set back must not bring it to life again. */
function forgetOverride(context: Context): void {
  context.update({ levelOverride: null });
  try {
    context.store.kv.delete(OVERRIDE);
  } catch {
    // A full disk: what stays stored is over at the next start, too.
  }
}

/** Keeps the log and what is said of it in step with the facts: its level, and whether it can be written. */
export function followLog(context: Context): void {
  const { profile, levelOverride } = context.facts();
  const now = context.clock.now();
  if (levelOverride !== null && levelOverride.until <= now) forgetOverride(context);
  context.log.setLevel(effectiveLevel(profile.logLevel, levelOverride, now));
  const reason = context.log.trouble();
  if (reason === null) context.conditions.clear('LOG_UNWRITABLE');
  else context.conditions.raise('LOG_UNWRITABLE', now, { path: context.paths.logFile, reason });
}

/** The log as status shows it. `until` is set while an override holds. */
export function logStatus(context: Context): { path: string; level: LogLevel; until: string | null } {
  const { profile, levelOverride } = context.facts();
  const now = context.clock.now();
  const until = nextLevelChangeAt(levelOverride, now);
  return {
    path: context.paths.logFile,
    level: effectiveLevel(profile.logLevel, levelOverride, now),
    until: until === null ? null : toInstant(until),
  };
}
