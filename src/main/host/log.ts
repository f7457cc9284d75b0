import { createLogger, format, transports, type Logger } from 'winston';
import type { LogLevel } from '../../shared/profile.ts';
import { redact } from './redact.ts';
import { RotatingFile, type LogBounds } from './rotating-file.ts';
import { openSyslog, type SyslogOptions } from './syslog.ts';

/** The log as most of the core uses it. Messages are single lines; values in them are redacted before they are written. */
export interface Log {
  readonly error: (message: string) => void;
  readonly warn: (message: string) => void;
  readonly info: (message: string) => void;
  readonly debug: (message: string) => void;
  readonly trace: (message: string) => void;
}

/** The log as its owner sees it. */
export interface AgentLog extends Log {
  readonly setLevel: (level: LogLevel) => void;
  /** Why the last line could not be written; `null` when it was. */
  readonly trouble: () => string | null;
}

const LEVELS = { error: 0, warn: 1, info: 2, debug: 3, trace: 4 } as const;

/** The words that the reference's log lines carry for the levels. */
const WORDS: Record<LogLevel, string> = {
  error: 'Error',
  warn: 'Warning',
  info: 'Information',
  debug: 'Debug',
  trace: 'Trace',
};

/**
 * One log line: `2026-11-20 23:19:56.123 +0000 [wayfarer-agent][412]:[Information]:[1]:text` with process id and
 * thread; times in UTC, so that lines of a roaming laptop sort.
 */
export function formatLine(
  at: Date,
  level: LogLevel,
  message: string,
  process: { name: string; pid: number },
): string {
  const time = at.toISOString().replace('T', ' ').replace('Z', ' +0000');
  return `${time} [${process.name}][${String(process.pid)}]:[${WORDS[level]}]:[1]:${redact(message)}`;
}

/** Tells lines of a level and more serious ones; a line in no known shape counts as one. */
export function atLeast(level: LogLevel): (line: string) => boolean {
  const below = Object.entries(WORDS)
    .filter(([name]) => LEVELS[name as LogLevel] > LEVELS[level])
    .map(([, word]) => word);
  return (line) => !below.includes(/\]\[\d+\]:\[(\w+)\]:\[1\]:/.exec(line)?.[1] ?? '');
}

/** Fifty megabytes: weeks at level info, hours at trace. */
const BOUNDS: LogBounds = { maxBytes: 10_000_000, maxFiles: 5 };

/** What a log is opened with. */
export interface LogOptions {
  /** Called when writing begins to fail: once, until a line could be written again. */
  readonly onTrouble: (error: Error) => void;
  readonly bounds?: LogBounds;
  /** Where lines go beside the file. */
  readonly syslog?: SyslogOptions;
}

/**
 * The log file of a process, bounded to five files of 10 MB, the older ones compressed. A file that can't be written
 * never stops the agent; how many lines were lost is said by a line of its own as soon as one can be written again.
 */
export function openLog(
  path: string,
  level: LogLevel,
  { onTrouble, bounds = BOUNDS, syslog }: LogOptions,
): AgentLog & { readonly close: () => Promise<void> } {
  const writer = { name: 'wayfarer-agent', pid: process.pid };
  const missing = (lines: number): string =>
    `${formatLine(new Date(), 'warn', `${String(lines)} lines before this one could not be written`, writer)}\n`;
  const stream = new RotatingFile(path, bounds, missing, onTrouble);
  // The winston file transport loses lines when a burst meets a change of files, and never ends on one it can't open.
  const file = new transports.Stream({ stream, eol: '\n' });
  const logger: Logger = createLogger({
    levels: LEVELS,
    level,
    format: format.printf((entry) =>
      formatLine(new Date(), entry.level as LogLevel, String(entry.message), writer),
    ),
    // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- winston types its own transports as interfaces
    transports: [file],
    exitOnError: false,
  });
  const write = (at: LogLevel) => (message: string) => {
    logger.log(at, message);
  };
  const log = {
    error: write('error'),
    warn: write('warn'),
    info: write('info'),
    debug: write('debug'),
    trace: write('trace'),
  };
  const system = syslog === undefined ? undefined : openSyslog(syslog, log.warn);
  if (system !== undefined) {
    // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- as above
    logger.add(new transports.Stream({ stream: system, format: systemLine, eol: '\n' }));
  }
  return {
    ...log,
    setLevel: (next) => {
      logger.level = next;
    },
    trouble: () => stream.trouble?.message ?? null,
    close: () =>
      new Promise((resolve) => {
        file.once('finish', () =>
          stream.end(() => {
            if (system === undefined) resolve();
            else system.end(resolve);
          }),
        );
        logger.end();
      }),
  };
}

/** Severities of RFC 5424, 6.2.1; there is none below debug. */
const SEVERITIES: Record<LogLevel, number> = { error: 3, warn: 4, info: 6, debug: 7, trace: 7 };
/** Facility `daemon` of RFC 5424, 6.2.1. */
const DAEMON = 3;

/** A line for the system's log: its priority in front; time, name and process id are the receiver's to add. */
const systemLine = format.printf(
  (entry) => `<${String(DAEMON * 8 + SEVERITIES[entry.level as LogLevel])}>${redact(String(entry.message))}`,
);
