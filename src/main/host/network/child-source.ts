import { spawn, type ChildProcess } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import type { Clock } from '../../clock.ts';
import type { ChangeSource, SourceEvents } from './source.ts';
import { Timer } from './timer.ts';

/** A program of the system that prints something whenever the networks change. */
export interface WatchCommand {
  /** Absolute paths where it may be, the first executable one is taken. */
  readonly files: readonly string[];
  readonly args: readonly string[];
  /** Written to its input, which then stays open. */
  readonly input?: string;
}

/** Linux: a line for every message of the kernel's routing socket (ip-monitor(8), rtnetlink(7)). */
export const LINUX_WATCH: WatchCommand = {
  files: ['/usr/sbin/ip', '/sbin/ip', '/usr/bin/ip', '/bin/ip'],
  args: ['-oneline', 'monitor', 'link', 'address', 'route'],
};

/** A program that lived so long listens, ms: none of them says when it begins to. */
const LISTENS_AFTER_MS = 1_000;
/** Pauses between two starts, ms: doubled from the first to the last, anew after one that lived for a while. */
const FIRST_PAUSE_MS = 1_000;
const LAST_PAUSE_MS = 300_000;
const LIVED_MS = 60_000;

/** Keeps such a program running. Its output is a sign that something changed and is not read further. */
export class ChildSource implements ChangeSource {
  readonly name: string;
  readonly #command: WatchCommand;
  readonly #clock: Clock;
  readonly #timer: Timer;
  #events: SourceEvents | undefined;
  #child: ChildProcess | undefined;
  #pause = FIRST_PAUSE_MS;
  #startedAt = 0;

  constructor(name: string, command: WatchCommand, clock: Clock) {
    this.name = name;
    this.#command = command;
    this.#clock = clock;
    this.#timer = new Timer(clock);
  }

  /** Process id of the program while it runs. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  start(events: SourceEvents): void {
    this.#events = events;
    this.#run();
  }

  async stop(): Promise<void> {
    this.#events = undefined;
    this.#timer.cancel();
    const child = this.#child;
    if (child?.pid === undefined) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    // It only reads, so there is nothing that it would have to finish.
    child.kill('SIGKILL');
    await gone;
  }

  #run(): void {
    const file = this.#command.files.find(isExecutable);
    if (file === undefined) {
      this.#failed('is not installed');
      return;
    }
    const child = launch(file, this.#command);
    this.#child = child;
    this.#startedAt = this.#clock.now();
    const ended = (how: string): void => {
      // Node may report an error and the end of the same process.
      if (this.#child !== child) return;
      this.#child = undefined;
      this.#timer.cancel();
      if (this.#clock.now() - this.#startedAt >= LIVED_MS) this.#pause = FIRST_PAUSE_MS;
      this.#failed(how);
    };
    child.on('error', (error) => {
      ended(`could not be started: ${error.message}`);
    });
    child.on('exit', (code, signal) => {
      ended(`ended (${signal ?? `exit code ${String(code)}`})`);
    });
    child.stdout?.on('data', () => this.#events?.hint());
    this.#timer.set(LISTENS_AFTER_MS, () => {
      this.#events?.up();
    });
  }

  #failed(how: string): void {
    if (this.#events === undefined) return;
    this.#events.down(how);
    this.#timer.set(this.#pause, () => {
      this.#run();
    });
    this.#pause = Math.min(2 * this.#pause, LAST_PAUSE_MS);
  }
}

function launch(file: string, { args, input }: WatchCommand): ChildProcess {
  const child = spawn(file, args, {
    cwd: '/',
    env: { LC_ALL: 'C' },
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'ignore'],
    shell: false,
  });
  child.stdin?.on('error', () => undefined);
  if (input !== undefined) child.stdin?.write(input);
  return child;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
