import { EVENT_LIMITS } from '../../shared/host-events.ts';
import { redactArguments } from '../linux/redact.ts';
import type { Os } from '../table.ts';
import { decodeHostText, encodeHostText } from '../text.ts';
import type { ImageFile, ProcessRead } from './read-process.ts';

/** Bounds of what an event may have (`host-events.ts`). */
const PATH_CHARS = 16_384;
const NAME_CHARS = 1_024;

/** What stands where a command line was cut. */
const CUT = '...';

/** What a process runs; shared by it and by those that it forks. */
export interface Program {
  /** Host path of the executable, for patterns and reading. */
  readonly path: string;
  /** The same, and its last part, as events have them. */
  readonly executable: string;
  readonly name: string;
  readonly file: ImageFile | undefined;
  /** Whether the path leads to the file in the agent's own mount namespace. */
  readonly isPlaced: boolean;
  /** The first two arguments as they are, for the package managers that are scripts. */
  readonly script: string | undefined;
  /** Arguments without secrets, as events have them; empty where there are none. */
  readonly commandLine: () => string;
}

/** The program of a process that was read; `undefined` where its executable is not known. `most`: bytes of arguments kept. */
export function programOf(read: ProcessRead, most: number): Program | undefined {
  const { executable: path, file, isPlaced } = read;
  if (path === undefined) return undefined;
  const args = read.arguments.length > most ? Buffer.from(read.arguments.subarray(0, most)) : read.arguments;
  let line: string | undefined;
  return {
    path,
    executable: cut(encodeHostText(path, 'linux'), PATH_CHARS),
    name: hostName(path.slice(path.lastIndexOf('/') + 1)),
    file,
    isPlaced,
    script: argumentsOf(args)[1],
    commandLine: () =>
      (line ??= commandLineOf(argumentsOf(args), { os: 'linux', isPart: read.arguments.length > most })),
  };
}

/** Whether two readings found the same program: the same file, for a new one may stand at the same path. */
export function sameProgram(a: Program | undefined, b: Program | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.path === b.path && a.file?.ino === b.file?.ino && a.file?.dev === b.file?.dev;
}

/** A name of the host as events have it. */
export const hostName = (name: string): string => cut(encodeHostText(name, 'linux'), NAME_CHARS);

function argumentsOf(bytes: Buffer): string[] {
  if (bytes.length === 0) return [];
  const end = bytes.at(-1) === 0 ? bytes.length - 1 : bytes.length;
  return decodeHostText(bytes.subarray(0, end)).split('\0');
}

/**
 * Arguments as the command line of an event: values of secrets blanked while it is still known where each argument ends, encoded,
 * at most `EVENT_LIMITS.commandLine` characters. `isPart`: there are more than these.
 */
export function commandLineOf(
  args: readonly string[],
  { os, isPart }: { readonly os: Os; readonly isPart: boolean },
): string {
  const text = encodeHostText(redactArguments(args).join(' '), os);
  const goesOn = isPart || text.length > EVENT_LIMITS.commandLine;
  return goesOn ? cut(text, EVENT_LIMITS.commandLine - CUT.length) + CUT : text;
}

/** The first characters of an encoded text, no `%XX` and no surrogate pair cut in two. */
export function cut(text: string, most: number): string {
  if (text.length <= most) return text;
  const escape = text.indexOf('%', most - 2);
  const end = escape >= 0 && escape < most && escape + 3 > most ? escape : most;
  return /[\ud800-\udbff]$/.test(text.slice(0, end)) ? text.slice(0, end - 1) : text.slice(0, end);
}
