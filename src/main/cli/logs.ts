import { InvalidArgumentError, Option, type Command } from 'commander';
import { ExitCode } from '../../shared/exit-codes.ts';
import { LOG_LEVELS, type LogLevel } from '../../shared/profile.ts';
import { isErrno } from '../host/atomic-file.ts';
import { followLines, lastLines } from '../host/log-reader.ts';
import { atLeast } from '../host/log.ts';
import type { Paths } from '../host/paths.ts';
import { Answer } from './answer.ts';
import { harmless } from './harmless.ts';

/** Most lines of the past that are printed; more are in the file. */
const MAX_LINES = 100_000;

interface Options {
  readonly follow?: boolean;
  readonly lines: number;
  readonly level: LogLevel;
  readonly json?: boolean;
}

/** Adds `wayfarerctl logs`: the end of the log, and what comes then. */
export function addLogs(program: Command, paths: Paths): void {
  program
    .command('logs')
    .description('the end of the log')
    .option('-f, --follow', 'go on with new lines until Ctrl-C')
    .option('-n, --lines <n>', 'how many lines of the past', lineCount, 50)
    .addOption(
      new Option('--level <level>', 'only lines of this level and more serious ones')
        .choices(LOG_LEVELS)
        .default('trace'),
    )
    .option('--json', 'print a JSON object a line: time, process, level, text')
    .addHelpText(
      'after',
      `
Examples:
  wayfarerctl logs --level warn     what needs someone
  wayfarerctl logs -f               what happens now, until Ctrl-C
  wayfarerctl logs -n 1000 --json   for a program`,
    )
    .action((options: Options) => logs(paths, options));
}

function lineCount(text: string): number {
  const count = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
  if (!(count <= MAX_LINES)) throw new InvalidArgumentError(`give a whole number up to ${String(MAX_LINES)}`);
  return count;
}

/** `2026-11-20 23:19:56.123 +0000 [wayfarer-agent][412]:[Information]:[1]:text` (protocol, "Errors"). */
const LINE =
  /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d\.\d{3}) \+0000 \[[^\]]*\]\[(\d+)\]:\[([A-Za-z]+)\]:\[\d+\]:(.*)$/;

/** A line of the log as an object; one that has another form is all text. */
function asObject(line: string): string {
  const [, day, time, pid, level, text] = LINE.exec(line) ?? [];
  if (day === undefined) return JSON.stringify({ text: line });
  return JSON.stringify({ time: `${day}T${String(time)}Z`, pid: Number(pid), level, text });
}

async function logs(paths: Paths, { follow, lines, level, json }: Options): Promise<void> {
  const wanted = atLeast(level);
  const say = (line: string): void => {
    process.stdout.write(`${json === true ? asObject(line) : harmless(line)}\n`);
  };
  let end = 0;
  try {
    const past = lastLines(paths.logFile, lines, wanted);
    past.lines.forEach(say);
    ({ end } = past);
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error;
    if (follow !== true) throw new Answer(ExitCode.failed, `there is no log yet: ${paths.logFile}`);
  }
  if (follow === true)
    await followLines(paths.logFile, end, (line) => {
      if (wanted(line)) say(line);
    });
}
