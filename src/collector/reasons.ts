import { Unreadable } from './table.ts';

/** Longest reason that a row or message carries, in characters. */
const MAX_REASON = 500;

const errnoOf = (error: Error): string | undefined =>
  'code' in error && typeof error.code === 'string' ? error.code : undefined;

/**
 * Why a table could not be read, in words that are equal between runs on an unchanged host: an error of the system by
 * its name and call, never its message, which may hold a pid or a temporary path.
 */
export function reasonOf(error: unknown): string {
  if (error instanceof Unreadable) return error.message.slice(0, MAX_REASON);
  if (!(error instanceof Error)) return 'internal error';
  const code = errnoOf(error);
  if (code === undefined) return `internal error: ${error.name}`;
  const call = 'syscall' in error && typeof error.syscall === 'string' ? `${error.syscall}: ` : '';
  return `${call}${code}`;
}

/** Whether an error is a fault of this program, not of the host: such a one goes to the log with its stack. */
export function isFault(error: unknown): boolean {
  return !(error instanceof Unreadable) && (!(error instanceof Error) || errnoOf(error) === undefined);
}
