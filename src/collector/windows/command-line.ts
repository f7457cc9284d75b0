import { redact, redactArguments } from '../linux/redact.ts';

/*
 * Command lines of Windows, which are one text: programs split them by the rules of CommandLineToArgvW (shellapi.h) and those of
 * Microsoft's C runtime ("Parsing C command-line arguments"), which differ in doubled quotes alone.
 */

/** One argument: the blanks before it, as it stands in the line, and what the program gets. */
export interface CommandLinePart {
  readonly before: string;
  readonly raw: string;
  readonly value: string;
}

const BLANKS = /[ \t]*/y;
const PROGRAM = /"[^"]*"?|[^ \t]*/y;

/**
 * Splits a command line, program first; blanks at its end are left out. 2n backslashes and a quote are n backslashes and the
 * begin or end of a quoted part, 2n+1 are n and a quote; within a quoted part two quotes are one. Takes time in the length of
 * the line. Never throws: a part that is not closed reaches to the end.
 */
export function splitCommandLine(line: string): CommandLinePart[] {
  if (line === '') return [];
  const program = matchAt(PROGRAM, line, 0);
  const parts: CommandLinePart[] = [{ before: '', raw: program, value: program.replaceAll('"', '') }];
  for (let at = program.length; ;) {
    const before = matchAt(BLANKS, line, at);
    at += before.length;
    if (at >= line.length) return parts;
    const { value, end } = argumentAt(line, at);
    parts.push({ before, raw: line.slice(at, end), value });
    at = end;
  }
}

/** What of an argument has a meaning of its own: backslashes, a quote or two, blanks; and all between. */
const PIECE = /\\+|""?|[ \t]+|[^\\" \t]+/y;

function argumentAt(line: string, start: number): { readonly value: string; readonly end: number } {
  const value: string[] = [];
  let isQuoted = false;
  let at = start;
  while (at < line.length) {
    const piece = matchAt(PIECE, line, at);
    if (!isQuoted && /^[ \t]/.test(piece)) break;
    at += piece.length;
    if (piece.startsWith('\\') && line[at] === '"') {
      value.push('\\'.repeat(Math.floor(piece.length / 2)));
      if (piece.length % 2 === 0) continue;
      value.push('"');
      at += 1;
    } else if (piece === '""') {
      // Outside of a quoted part they are an empty one.
      if (isQuoted) value.push('"');
    } else if (piece === '"') isQuoted = !isQuoted;
    else value.push(piece);
  }
  return { value: value.join(''), end: at };
}

function matchAt(pattern: RegExp, line: string, at: number): string {
  pattern.lastIndex = at;
  return pattern.exec(line)?.[0] ?? '';
}

/**
 * A command line with values of secrets blanked: those of its arguments, and what still looks like one in the whole line.
 * Arguments without any stay as they were typed.
 */
export function redactCommandLine(line: string): string {
  const parts = splitCommandLine(line);
  const plain = parts.map(({ value }, index) => (index === 0 ? value : plainOption(value)));
  const blanked = redactArguments(plain);
  const isSame = blanked.every((value, index) => value === plain[index]);
  if (isSame) return redact(line);
  const shown = parts.map(({ before, raw, value }, index) => {
    const now = blanked[index] ?? '';
    return before + (now === plain[index] ? raw : quoted(asTyped(now, value)));
  });
  return redact(shown.join(''));
}

const OPTION = /^[-/][\w.-]{1,256}(?=[:=]|$)/;

/** An option of Windows as those that are known elsewhere are written: `/name:value` is `-name=value`. */
function plainOption(value: string): string {
  const name = OPTION.exec(value)?.[0];
  if (name === undefined) return value;
  const rest = value.slice(name.length);
  return `-${name.slice(1)}${rest.startsWith(':') ? `=${rest.slice(1)}` : rest}`;
}

/** The same with the signs that it was typed with, where its name is still there. */
function asTyped(now: string, value: string): string {
  const name = OPTION.exec(value)?.[0];
  if (name === undefined || !now.startsWith(`-${name.slice(1)}=`)) return now;
  return value.slice(0, name.length + 1) + now.slice(name.length + 1);
}

/** An argument so that it is split as one. */
function quoted(value: string): string {
  if (!/[ \t"]/.test(value)) return value;
  const escaped = value.replace(/\\+"?|"/g, (run: string, at: number) => {
    if (run.endsWith('"')) return `${run.slice(0, -1).repeat(2)}\\"`;
    return at + run.length === value.length ? run.repeat(2) : run;
  });
  return `"${escaped}"`;
}
