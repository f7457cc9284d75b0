import { fork, type ChildProcess } from 'node:child_process';
import { FromCollector, type ToCollector } from '../../shared/collector.ts';
import { FRUGAL_ARGV, FRUGAL_ENVIRONMENT } from '../host/frugal-runtime.ts';
import { endChild, lastWordsOf } from './child.ts';

/** What the core sees of a collector, whichever kind of process it is. */
export interface CollectorPort {
  /** Sends a message; it is dropped when the process is gone (its exit is reported). */
  readonly send: (message: ToCollector) => void;
  /** Ends the process: asked first, killed when it does not end within two seconds. */
  readonly stop: () => Promise<void>;
  readonly pid: number | null;
}

/** What a collector reports. `ended` comes exactly once, last. */
export interface CollectorEvents {
  readonly message: (message: FromCollector) => void;
  readonly ended: (reason: string) => void;
}

/** Starts a collector. Never throws: a failure to start is reported as `ended`. */
export type StartCollector = (events: CollectorEvents) => CollectorPort;

/**
 * Starts the collector as a child process of the same runtime, without shell and without the agent's arguments. Its
 * messages are parsed before they are believed. `entry` is the absolute path of its main module.
 */
export function startCollectorProcess(entry: string, execArgv: readonly string[]): StartCollector {
  return (events) => {
    const child = fork(entry, [], {
      execArgv: [...FRUGAL_ARGV, ...execArgv],
      env: { ...process.env, ...FRUGAL_ENVIRONMENT },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      serialization: 'advanced',
    });
    const howEnded = lastWordsOf(child);
    let over = false;
    const end = (reason: string): void => {
      if (over) return;
      over = true;
      events.ended(reason);
    };
    child.on('message', (raw) => {
      const parsed = FromCollector.safeParse(raw);
      if (parsed.success) events.message(parsed.data);
      else end(`sent a message that can't be read: ${parsed.error.issues[0]?.message ?? ''}`);
    });
    child.on('error', (error) => {
      end(error.message);
    });
    child.on('close', (code, signal) => {
      end(howEnded(code, signal));
    });
    return portOf(child);
  };
}

function portOf(child: ChildProcess): CollectorPort {
  return {
    get pid() {
      return child.pid ?? null;
    },
    send: (message) => {
      if (child.connected) child.send(message, () => undefined);
    },
    stop: () => endChild(child),
  };
}
