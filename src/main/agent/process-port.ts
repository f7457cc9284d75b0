import { fork, type ChildProcess } from 'node:child_process';
import type { z } from 'zod';
import { FRUGAL_ARGV, FRUGAL_ENVIRONMENT } from '../host/frugal-runtime.ts';
import { endChild, whenEnded } from './child.ts';

/** What the core sees of a process of its own, whichever kind it is. */
export interface ProcessPort<To> {
  /** Sends a message; it is dropped when the process is gone (its exit is reported). */
  readonly send: (message: To) => void;
  /** Ends the process: asked first, killed when it does not end within two seconds. Resolves once it is gone. */
  readonly stop: () => Promise<void>;
  readonly pid: number | null;
}

/** What a process reports. `ended` comes exactly once, last. */
export interface ProcessEvents<From> {
  readonly message: (message: From) => void;
  readonly ended: (reason: string) => void;
}

/** Starts a process. Never throws: a failure to start is reported as `ended`. */
export type StartProcess<To, From> = (events: ProcessEvents<From>) => ProcessPort<To>;

/** A program and what it is started with. */
export interface ProcessProgram<From> {
  /** The absolute path of its main module. */
  readonly entry: string;
  readonly argv: readonly string[];
  readonly execArgv: readonly string[];
  /** Its messages are parsed with this before they are believed. */
  readonly messages: z.ZodType<From>;
}

/** Starts a child process of the same runtime, without shell and without the agent's arguments. */
export function startProcess<To extends object, From>(
  { entry, argv, execArgv, messages }: ProcessProgram<From>,
  events: ProcessEvents<From>,
): ProcessPort<To> {
  const child = fork(entry, argv, {
    execArgv: [...FRUGAL_ARGV, ...execArgv],
    env: { ...process.env, ...FRUGAL_ENVIRONMENT },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    serialization: 'advanced',
  });
  const end = whenEnded(child, events.ended);
  child.on('message', (raw) => {
    const parsed = messages.safeParse(raw);
    if (parsed.success) events.message(parsed.data);
    else end(`sent a message that can't be read: ${parsed.error.issues[0]?.message ?? ''}`);
  });
  return portOf(child);
}

function portOf<To extends object>(child: ChildProcess): ProcessPort<To> {
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
