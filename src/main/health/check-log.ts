import { attention, bad, good, skipped, type Finding } from './health.ts';
import type { HealthInput } from './input.ts';

/** A log at level info has a line for every heartbeat; two of the longest intervals without any are too long, ms. */
const QUIET_MS = 2 * 2700 * 1000;

/** Whether the log is written and has something recent in it (R286). */
export function checkLog({ service, log, paths, now }: HealthInput): Finding {
  const name = 'log';
  const trouble = service.answers
    ? service.status.conditions.find((condition) => condition.code === 'LOG_UNWRITABLE')
    : undefined;
  if (trouble !== undefined) return bad(name, trouble.title, trouble.text);
  if (!log.readable) return skipped(name, `${paths.logFile}: ${log.reason}`);
  const last =
    log.lastLineAt === null ? 'no line in it' : `last line ${new Date(log.lastLineAt).toISOString()}`;
  const detail = `${paths.logFile}, ${last}`;
  const level = service.answers ? service.status.log.level : 'info';
  const sparse = level === 'error' || level === 'warn';
  if (sparse) return good(name, `${detail}; only level ${level} and above are written`);
  if (log.lastLineAt === null || now - log.lastLineAt > QUIET_MS) {
    const nextStep = service.answers
      ? `See whether ${paths.logFile} can be written, then restart the service.`
      : 'Start the service.';
    return attention(name, `${detail}: no recent activity`, nextStep);
  }
  return good(name, detail);
}
