import { spawn, type ChildProcess } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { Unreadable, type CommandResult, type Os } from './table.ts';

/** Time a command may take and bytes it may print, unless told otherwise. */
const DEFAULT_TIMEOUT_MS = 30_000;
const DEFAULT_MAX_BYTES = 16 * 1024 * 1024;

/** Error output kept for the reason, in bytes. */
const MAX_STDERR = 4_096;

/** Every command that a table may run. A manifest can't add to it. */
const COMMANDS: Readonly<Record<Os, readonly string[]>> = {
  linux: ['rpm'],
  win32: ['powershell.exe', 'reg.exe'],
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
  /** Called when a command has ended, so that its CPU time is counted. */
  readonly onEnd?: () => void;
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
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      continue;
    }
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

/**
 * Runs a command of the built-in list: no shell, C locale, fixed PATH, own process group that is killed as a whole when
 * it is late, too loud or no longer wanted. Rejects with `Unreadable`; an exit code other than 0 is a result.
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
    const child = spawn(path, args, {
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
    const timer = setTimeout(() => {
      stop('took too long');
    }, limits.timeoutMs ?? DEFAULT_TIMEOUT_MS);
    options.signal.addEventListener('abort', onAbort, { once: true });
    child.stdout.on('data', (chunk: Buffer) => {
      if (!stdout.add(chunk)) stop('printed more than allowed');
    });
    child.stderr.on('data', (chunk: Buffer) => stderr.add(chunk));
    child.on('error', (error) => {
      failure ??= 'code' in error ? String(error.code) : 'could not be started';
    });
    child.on('close', (exitCode) => {
      clearTimeout(timer);
      options.signal.removeEventListener('abort', onAbort);
      options.onEnd?.();
      if (failure !== undefined) reject(new Unreadable(`${file}: ${failure}`));
      else
        resolve({
          exitCode: exitCode ?? -1,
          stdout: stdout.bytes(),
          stderr: stderr.bytes().toString('utf8'),
        });
    });
  });
}
