import { spawn, type ChildProcess } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { TooMuchPrinted, Unreadable, type CommandResult, type Os } from './table.ts';

/** Time a command may take and bytes it may print, unless told otherwise. */
const DEFAULT_TIMEOUT_MS = 30_000;
const DEFAULT_MAX_BYTES = 16 * 1024 * 1024;

/** Error output kept for the reason, in bytes. */
const MAX_STDERR = 4_096;

/** Every command that a table may run. A manifest can't add to it. */
const COMMANDS: Readonly<Record<Os, readonly string[]>> = {
  linux: ['apt-cache', 'dnf', 'rpm', 'zypper'],
  win32: ['powershell.exe', 'reg.exe', 'wevtutil.exe'],
  darwin: [
    'diskutil',
    'dscl',
    'ifconfig',
    'ioreg',
    'lsof',
    'mount',
    'netstat',
    'ps',
    'pwpolicy',
    'scutil',
    'softwareupdate',
    'sysctl',
    'system_profiler',
    'who',
  ],
};

/** Folders that only an administrator writes to, searched in this order. */
const FOLDERS: Readonly<Record<Os, readonly string[]>> = {
  linux: ['/usr/sbin', '/usr/bin', '/sbin', '/bin'],
  win32: ['C:\\Windows\\System32', 'C:\\Windows\\System32\\WindowsPowerShell\\v1.0'],
  darwin: ['/usr/sbin', '/usr/bin', '/sbin', '/bin'],
};

/** What running commands needs beside the command itself; tests bring commands and folders of their own. */
export interface RunnerOptions {
  readonly os: Os;
  readonly signal: AbortSignal;
  readonly commands?: readonly string[];
  readonly folders?: readonly string[];
  /** Takes a command that was started, so that its CPU time is counted and held to a budget. */
  readonly follow?: (command: StartedCommand) => FollowedCommand;
  /** Set where a command may be stopped for a while: then it is to end with this process, however that ends. */
  readonly mayHold?: boolean;
}

/** A command that runs. */
interface StartedCommand {
  readonly pid: number;
  /** Sends a signal to it with all that it started. */
  readonly signal: (signal: 'SIGSTOP' | 'SIGCONT') => void;
  /** Whether it may be stopped. */
  readonly holdable: boolean;
}

/** What follows a command that runs. */
interface FollowedCommand {
  /** For how long it was stopped so far, in milliseconds. */
  readonly heldMs: () => number;
  /** Called once, when it has ended. */
  readonly end: () => void;
}

export interface RunLimits {
  readonly timeoutMs?: number;
  readonly maxBytes?: number;
}

function locate(file: string, options: RunnerOptions): string {
  if (!(options.commands ?? COMMANDS[options.os]).includes(file)) {
    throw new Unreadable(`${file}: not a command of the built-in list`);
  }
  const separator = options.os === 'win32' ? '\\' : '/';
  for (const folder of options.folders ?? FOLDERS[options.os]) {
    const path = `${folder}${separator}${file}`;
    if (isExecutable(path)) return path;
  }
  throw new Unreadable(`${file}: not installed`);
}

function environment(options: RunnerOptions): NodeJS.ProcessEnv {
  const folders = (options.folders ?? FOLDERS[options.os]).join(options.os === 'win32' ? ';' : ':');
  const base = { PATH: folders, LC_ALL: 'C', LANG: 'C' };
  if (options.os !== 'win32') return { ...base, HOME: '/' };
  return { ...base, SystemRoot: 'C:\\Windows', windir: 'C:\\Windows', TEMP: 'C:\\Windows\\Temp' };
}

const TASKKILL = 'C:\\Windows\\System32\\taskkill.exe';

/** How a process and all that it started is ended on Windows (Microsoft, "taskkill": /T tree, /F by force). */
export function taskkill(pid: number): { readonly file: string; readonly args: readonly string[] } {
  return { file: TASKKILL, args: ['/T', '/F', '/PID', String(pid)] };
}

/** Ends the whole process group; on Windows, which has none, the process and all that it started. */
function killTree(child: ChildProcess, os: Os): void {
  if (child.pid === undefined) return;
  const end = (): void => {
    child.kill('SIGKILL');
  };
  try {
    if (os !== 'win32') {
      process.kill(-child.pid, 'SIGKILL');
      return;
    }
    const { file, args } = taskkill(child.pid);
    spawn(file, args, { stdio: 'ignore', shell: false, windowsHide: true }).on('error', end).on('close', end);
  } catch {
    end();
  }
}

/**
 * util-linux, setpriv(1): has the kernel end the command together with this process. One that is stopped would outlive it
 * for ever, so without this tool none is.
 */
const SETPRIV = '/usr/bin/setpriv';
const WITH_PARENT = ['--pdeathsig', 'KILL', '--'];

/** What to start for a command: the command itself, or the tool that ties its life to this process. */
function tied(path: string, args: readonly string[], options: RunnerOptions) {
  if (options.mayHold !== true || options.os !== 'linux' || !isExecutable(SETPRIV))
    return { file: path, args, holdable: false };
  return { file: SETPRIV, args: [...WITH_PARENT, path, ...args], holdable: true };
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Calls `late` once `ms` have passed that were not held; the result cancels it. */
function deadline(ms: number, heldMs: () => number, late: () => void): () => void {
  const startedAt = performance.now();
  let timer: NodeJS.Timeout;
  const arm = (left: number): void => {
    timer = setTimeout(() => {
      const more = ms - (performance.now() - startedAt - heldMs());
      if (more > 1) arm(more);
      else late();
    }, left);
  };
  arm(ms);
  return () => {
    clearTimeout(timer);
  };
}

/** Collects output up to a bound. */
class Output {
  readonly #parts: Buffer[] = [];
  readonly #max: number;
  #size = 0;

  constructor(max: number) {
    this.#max = max;
  }

  /** Takes a chunk; false once the bound is passed, and the rest is dropped. */
  add(chunk: Buffer): boolean {
    const room = this.#max - this.#size;
    if (room > 0) this.#parts.push(chunk.subarray(0, room));
    this.#size += chunk.length;
    return this.#size <= this.#max;
  }

  bytes(): Buffer {
    return Buffer.concat(this.#parts);
  }
}

function follow(
  child: ChildProcess,
  holdable: boolean,
  { follow: take }: RunnerOptions,
): FollowedCommand | undefined {
  const { pid } = child;
  if (pid === undefined) return undefined;
  const signal = (name: 'SIGSTOP' | 'SIGCONT'): void => {
    try {
      process.kill(-pid, name);
    } catch {
      // It has just ended.
    }
  };
  return take?.({ pid, signal, holdable });
}

const TOO_MUCH = 'printed more than allowed';

/**
 * Runs a command of the built-in list: no shell, C locale, fixed PATH, own process group that is killed as a whole when
 * it is late, too loud or no longer wanted. Rejects with `Unreadable`, too loud with `TooMuchPrinted`; an exit code other than 0 is a result.
 */
export function runCommand(
  options: RunnerOptions,
  file: string,
  args: readonly string[],
  limits: RunLimits = {},
): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const path = locate(file, options);
    if (options.signal.aborted) throw new Unreadable(`${file}: cancelled`);
    const stdout = new Output(limits.maxBytes ?? DEFAULT_MAX_BYTES);
    const stderr = new Output(MAX_STDERR);
    let failure: string | undefined;
    const start = tied(path, args, options);
    const child = spawn(start.file, start.args, {
      cwd: options.os === 'win32' ? 'C:\\' : '/',
      env: environment(options),
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: options.os !== 'win32',
      shell: false,
      windowsHide: true,
    });
    const stop = (reason: string): void => {
      failure ??= reason;
      killTree(child, options.os);
      child.stdout.destroy();
      child.stderr.destroy();
    };
    const onAbort = (): void => {
      stop('cancelled');
    };
    const followed = follow(child, start.holdable, options);
    const cancelDeadline = deadline(
      limits.timeoutMs ?? DEFAULT_TIMEOUT_MS,
      () => followed?.heldMs() ?? 0,
      () => {
        stop('took too long');
      },
    );
    options.signal.addEventListener('abort', onAbort, { once: true });
    child.stdout.on('data', (chunk: Buffer) => {
      if (!stdout.add(chunk)) stop(TOO_MUCH);
    });
    child.stderr.on('data', (chunk: Buffer) => stderr.add(chunk));
    child.on('error', (error) => {
      failure ??= 'code' in error ? String(error.code) : 'could not be started';
    });
    child.on('close', (exitCode) => {
      cancelDeadline();
      options.signal.removeEventListener('abort', onAbort);
      followed?.end();
      if (failure === TOO_MUCH) reject(new TooMuchPrinted(`${file}: ${failure}`));
      else if (failure !== undefined) reject(new Unreadable(`${file}: ${failure}`));
      else
        resolve({
          exitCode: exitCode ?? -1,
          stdout: stdout.bytes(),
          stderr: stderr.bytes().toString('utf8'),
        });
    });
  });
}
