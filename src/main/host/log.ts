import { createLogger, format, transports, type Logger } from 'winston';
import type { LogLevel } from '../../shared/profile.ts';
import { RotatingFile, type LogBounds } from './rotating-file.ts';

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

/**
 * What is replaced. Too much rather than too little: a password may hold `/` and `@`, so the last `@` of a word ends the
 * credentials; a header's value goes to the end of its line, since its scheme is a word of its own.
 */
const SECRETS: readonly (readonly [RegExp, string])[] = [
  [/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi, '…'],
  [/(:\/\/)\S*@/g, '$1…@'],
  [/(authorization|signature|cookie)(["']?\s*[:=]\s*)[^\r\n]+/gi, '$1$2…'],
  [
    /(password|passphrase|passwd|token|secret|api[-_]?key)(["']?\s*[:=]\s*)("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\S+)/gi,
    '$1$2…',
  ],
  // An Ed25519 signature or longer, in base64 and in base64url (a JWS holds one).
  [/[A-Za-z0-9+/]{86,}==/g, '…'],
  [/[A-Za-z0-9_-]{86,}/g, '…'],
];

/** Longest message, characters: what a platform or a file sends us ends up in some, and patterns take time. */
const MAX_MESSAGE = 8_192;

/** Characters that end a line, move the cursor or turn the direction of reading. */
const FORGING =
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/**
 * A message as it may stand in a log or support bundle: identifiers, credentials and signatures replaced by `…`, and
 * line breaks and other control characters made visible, so that nobody can forge a line (protocol, "Errors"). What
 * is longer than 8192 characters ends at the last blank before, so that no half of a secret stays.
 */
export function redact(message: string): string {
  const shown = SECRETS.reduce(
    (text, [pattern, replacement]) => text.replace(pattern, replacement),
    shortened(message),
  );
  return shown.replace(FORGING, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

function shortened(message: string): string {
  if (message.length <= MAX_MESSAGE) return message;
  const cut = message.slice(0, MAX_MESSAGE - 2);
  return `${cut.slice(0, cut.lastIndexOf(' ') + 1)} …`;
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

/** Fifty megabytes: weeks at level info, hours at trace. */
const BOUNDS: LogBounds = { maxBytes: 10_000_000, maxFiles: 5 };

/**
 * The log file of a process, bounded to five files of 10 MB. A file that can't be written never stops the agent:
 * the trouble goes to `onTrouble`, once.
 */
export function openLog(
  path: string,
  level: LogLevel,
  onTrouble: (error: Error) => void,
  bounds = BOUNDS,
): Log & { readonly close: () => Promise<void>; readonly setLevel: (level: LogLevel) => void } {
  const writer = { name: 'wayfarer-agent', pid: process.pid };
  let reported = false;
  const stream = new RotatingFile(path, bounds, (error) => {
    if (!reported) onTrouble(error);
    reported = true;
  });
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
        file.once('finish', () => stream.end(resolve));
        logger.end();
      }),
  };
}
