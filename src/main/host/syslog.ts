import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { Writable } from 'node:stream';

/** Where and how lines reach the system's log. */
export interface SyslogOptions {
  /** The receiver's datagram socket: `/dev/log`, on macOS `/var/run/syslog`. */
  readonly socket: string;
  /** The program that speaks to it; absolute. */
  readonly program?: string;
  /** Milliseconds since some moment, never going back. */
  readonly now?: () => number;
}

/** logger(1): part of every Linux distribution's util-linux and of macOS. */
const LOGGER = '/usr/bin/logger';

/** What may wait for the receiver, bytes; lines beyond are dropped and counted. */
const BACKLOG_BYTES = 256 * 1024;

/** A program that ended is started again by the first line after this long, ms. */
const RESTART_MS = 60_000;

/** Longest line, bytes: more than `redact` leaves of a message, within what a datagram may hold. */
const LINE_BYTES = 32 * 1024;

/**
 * A stream of lines, each beginning with its priority (`<30>`), to the system's log. Node has no datagram sockets of the
 * Unix domain, so logger(1) is the long-lived child that speaks to it, and waits for it in our stead. Lines that the
 * receiver does not take in time are dropped, never waited for, and counted in a line once there is room again.
 * `warn` is told once when there is no receiver; a program that ends is started again by a line a minute later.
 */
export function openSyslog(options: SyslogOptions, warn: (message: string) => void): Writable {
  return new Syslog(options, warn);
}

class Syslog extends Writable {
  readonly #options: Required<SyslogOptions>;
  readonly #warn: (message: string) => void;
  #child: ChildProcess | undefined;
  /** When the program was started last. */
  #startedAt = Number.NEGATIVE_INFINITY;
  #dropped = 0;
  #warned = false;

  constructor(options: SyslogOptions, warn: (message: string) => void) {
    super({ decodeStrings: true });
    this.#options = { program: LOGGER, now: () => performance.now(), ...options };
    this.#warn = warn;
  }

  override _write(line: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#send(line);
    done();
  }

  override _final(done: () => void): void {
    const child = this.#child;
    if (child === undefined) done();
    else {
      // A receiver that takes nothing must not hold the end of the agent.
      const late = setTimeout(() => child.kill('SIGKILL'), 1_000);
      child.once('close', () => {
        clearTimeout(late);
        done();
      });
      child.stdin?.end();
    }
  }

  #send(line: Buffer): void {
    const stdin = (this.#child ?? this.#start())?.stdin;
    if (stdin === null || stdin === undefined || stdin.writableLength + line.length > BACKLOG_BYTES) {
      this.#dropped += 1;
      return;
    }
    if (this.#dropped > 0) {
      stdin.write(`<28>${String(this.#dropped)} lines before this one were not taken\n`);
      this.#dropped = 0;
    }
    stdin.write(line);
  }

  #start(): ChildProcess | undefined {
    const { socket, program, now } = this.#options;
    if (now() - this.#startedAt < RESTART_MS) return undefined;
    this.#startedAt = now();
    if (!existsSync(socket)) {
      this.#missing(`there is no ${socket}`);
      return undefined;
    }
    const child = spawn(program, argumentsOf(socket), { stdio: ['pipe', 'ignore', 'pipe'], env: {} });
    this.#child = child;
    let said = '';
    child.stderr.on('data', (text: Buffer) => {
      said = (said + text.toString()).slice(-300);
    });
    // Its end says the same: a pipe that nobody reads.
    child.stdin.on('error', () => undefined);
    child.once('error', (error) => {
      this.#ended(error.message);
    });
    child.once('close', (code) => {
      this.#ended(said.trim() === '' ? `ended with exit code ${String(code)}` : said.trim());
    });
    return child;
  }

  #ended(reason: string): void {
    if (this.#child === undefined) return;
    this.#child = undefined;
    // One that worked for a while ends a first time: that is news.
    if (this.#options.now() - this.#startedAt >= RESTART_MS) this.#warned = false;
    if (!this.writableEnded) this.#missing(`${this.#options.program}: ${reason}`);
  }

  #missing(reason: string): void {
    if (this.#warned) return;
    this.#warned = true;
    // Not from within a write: the warning is a line itself.
    setImmediate(() => {
      this.#warn(`no syslog receives log lines: ${reason}; the log file has them all`);
    });
  }
}

/** util-linux reads the priority of each line; the program of macOS knows one for all. */
function argumentsOf(socket: string): string[] {
  const tag = ['-t', 'wayfarer-agent'];
  if (process.platform !== 'linux') return [...tag, '-p', 'daemon.notice'];
  return [
    ...tag,
    ...['--prio-prefix', `--id=${String(process.pid)}`, '--size', String(LINE_BYTES)],
    ...['--socket', socket, '--socket-errors=on'],
  ];
}
