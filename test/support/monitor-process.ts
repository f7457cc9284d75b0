import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { NetworkState } from '../../src/main/host/network/network.ts';
import { CLONE } from './run.ts';
import { until } from './until.ts';

/** A word of the monitor: its name, what it holds, and when it came. */
export interface Word {
  readonly name: string;
  readonly value: unknown;
  readonly at: number;
}

/** The monitor of networks and sleep as a process of its own. */
export class MonitorProcess {
  readonly words: Word[] = [];
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;

  /** `prefix` stands before its command line and makes it run elsewhere, as in a network of its own. */
  constructor(systemBus: string, prefix: readonly string[] = []) {
    const command = [...prefix, process.execPath, 'test/support/network-monitor.ts', systemBus];
    const [file = '', ...args] = command;
    const child = spawn(file, args, { cwd: CLONE, stdio: ['ignore', 'pipe', 'inherit'] });
    createInterface({ input: child.stdout }).on('line', (line) => {
      const [name, value] = JSON.parse(line) as [string, unknown];
      this.words.push({ name, value, at: Date.now() });
    });
    this.#child = child;
    this.#ended = new Promise((resolve) => child.once('close', resolve));
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** The next word of this name after the first `from` words. */
  hears(name: string, from = 0, deadlineMs = 30_000): Promise<Word> {
    return until(
      `${name} after ${JSON.stringify(this.words)}`,
      () => this.words.slice(from).find((word) => word.name === name),
      deadlineMs,
    );
  }

  /** Does something and waits for the change that it leads to; the new state. */
  async changesWith(action: () => void): Promise<NetworkState> {
    const from = this.words.length;
    action();
    return (await this.hears('changed', from)).value as NetworkState;
  }

  named(name: string): Word[] {
    return this.words.filter((word) => word.name === name);
  }

  /** Process ids of its children. */
  children(): number[] {
    const text = readFileSync(`/proc/${String(this.pid)}/task/${String(this.pid)}/children`, 'utf8');
    return text.trim() === '' ? [] : text.trim().split(' ').map(Number);
  }

  /** Ends it and waits until it is gone. */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    this.#child.kill(signal);
    await this.#ended;
  }
}
