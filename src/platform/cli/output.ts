import { ExitCode } from '../../shared/exit-codes.ts';
import { printable } from '../printable.ts';
import { NotFound, Refused, reasonOf } from '../errors.ts';

/** Writes a result: JSON on one line when asked for, else the text. */
export function print(json: boolean, value: unknown, text: () => string): void {
  process.stdout.write(
    json ? `${JSON.stringify(value)}\n` : `${text().split('\n').map(printable).join('\n')}\n`,
  );
}

/** A table with aligned columns; nothing else in it. */
export function tableOf(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, at) =>
    Math.max(title.length, ...rows.map((row) => (row[at] ?? '').length)),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, at) => printable(cell).padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd();
  return [head, ...rows].map(line).join('\n');
}

/** A time as people read it, "never" for none. */
export const when = (ms: number | null): string =>
  ms === null ? 'never' : `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')}Z`;

/** A command that said all there was to say, and ends with this code all the same. */
export class Ended extends Error {
  readonly code: ExitCode;

  constructor(code: ExitCode) {
    super(`exit code ${code}`);
    this.code = code;
  }
}

/** Says on stderr why a command did not work; returns its exit code. */
export function failure(error: unknown): ExitCode {
  process.stderr.write(`${reasonOf(error)}\n`);
  if (error instanceof Refused) return ExitCode.refused;
  if (error instanceof NotFound) return ExitCode.failed;
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'EACCES' || code === 'EPERM' || code === 'SQLITE_READONLY'
    ? ExitCode.permission
    : ExitCode.failed;
}
