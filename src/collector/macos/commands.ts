import { Unreadable, type ReadContext } from '../table.ts';
import { parsePlist, type PlistValue } from './plist-file.ts';

/**
 * Output of a command as text. Throws `Unreadable` when it cannot run, or fails without printing anything: some, like
 * sysctl and lsof, print all they have and end with 1 for what they lack.
 */
export async function textOf(
  context: ReadContext,
  file: string,
  ...args: readonly string[]
): Promise<string> {
  const { exitCode, stdout } = await context.run(file, args);
  if (exitCode !== 0 && stdout.length === 0) {
    throw new Unreadable(`${file} ended with code ${String(exitCode)}`);
  }
  return stdout.toString('utf8');
}

/** The property list that a command prints, whatever it prints before it. Throws `Unreadable`. */
export async function plistOf(
  context: ReadContext,
  file: string,
  ...args: readonly string[]
): Promise<PlistValue> {
  const { exitCode, stdout } = await context.run(file, args);
  const start = stdout.indexOf('<?xml');
  if (exitCode !== 0 || start === -1) throw new Unreadable(`${file} gave no property list`);
  return parsePlist(stdout.subarray(start), file);
}

/** Remembers per collection what a command gave, for the tables that share it. */
export function oncePerContext<T>(
  load: (context: ReadContext) => Promise<T>,
): (context: ReadContext) => Promise<T> {
  const known = new WeakMap<ReadContext, Promise<T>>();
  return (context) => {
    const before = known.get(context);
    if (before !== undefined) return before;
    const loading = load(context);
    known.set(context, loading);
    return loading;
  };
}
