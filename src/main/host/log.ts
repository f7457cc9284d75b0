import { createLogger, format, transports, type Logger } from 'winston';
import type { LogLevel } from '../../shared/profile.ts';

/** The log as the core uses it. Messages are single lines; values in them are redacted before they are written. */
export interface Log {
  readonly error: (message: string) => void;
  readonly warn: (message: string) => void;
  readonly info: (message: string) => void;
  readonly debug: (message: string) => void;
  readonly trace: (message: string) => void;
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

const SECRETS: readonly (readonly [RegExp, string])[] = [
  [/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi, '…'],
  [/(:\/\/)[^/\s:@]+:[^/\s@]+@/g, '$1…@'],
  [
    /\b(signature|authorization|proxy-authorization|password|passwd|token|secret)(["']?\s*[:=]\s*)("[^"]*"|\S+)/gi,
    '$1$2…',
  ],
  [/:[A-Za-z0-9+/]{86}==:/g, ':…:'],
];

/**
 * A message as it may stand in a log or support bundle: identifiers, credentials and signatures replaced by `…`, and
 * line breaks and other control characters made visible, so that nobody can forge a line (protocol, "Errors").
 */
export function redact(message: string): string {
  const shown = SECRETS.reduce((text, [pattern, replacement]) => text.replace(pattern, replacement), message);
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  return shown.replace(
    /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g,
    (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
}

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

/**
 * The log file of a process, bounded to five files of 10 MB. A file that can't be written never stops the agent:
 * the trouble goes to `onTrouble`, once.
 */
export function openLog(
  path: string,
  level: LogLevel,
  onTrouble: (error: Error) => void,
): Log & { readonly close: () => Promise<void>; readonly setLevel: (level: LogLevel) => void } {
  const process_ = { name: 'wayfarer-agent', pid: process.pid };
  const file = new transports.File({
    filename: path,
    maxsize: 10_000_000,
    maxFiles: 5,
    tailable: true,
    options: { flags: 'a', mode: 0o640 },
  });
  const logger: Logger = createLogger({
    levels: LEVELS,
    level,
    format: format.printf((entry) =>
      formatLine(new Date(), entry.level as LogLevel, String(entry.message), process_),
    ),
    transports: [file],
    exitOnError: false,
  });
  let reported = false;
  const report = (error: Error): void => {
    if (!reported) onTrouble(error);
    reported = true;
  };
  file.on('error', report);
  logger.on('error', report);
  const write = (at: LogLevel) => (message: string) => {
    logger.log(at, message);
  };
  return {
    error: write('error'),
    warn: write('warn'),
    info: write('info'),
    debug: write('debug'),
    trace: write('trace'),
    setLevel: (next) => {
      logger.level = next;
    },
    close: () =>
      new Promise((resolve) => {
        file.once('finish', resolve);
        logger.end();
      }),
  };
}
