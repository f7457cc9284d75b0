import type { FromCollector } from '../shared/collector.ts';

/** The channel to the agent core: a child process's IPC, Electron's parent port, or a pair of functions in tests. */
export interface Port<M = FromCollector> {
  readonly send: (message: M) => void;
  /** Registers the one receiver of raw messages. */
  readonly onMessage: (receive: (message: unknown) => void) => void;
  /** Registers what happens when the other side is gone. */
  readonly onClose: (closed: () => void) => void;
}

/** The port of a process started by `child_process.fork`. Throws if this process was started in another way. */
export function forkPort<M = FromCollector>(): Port<M> {
  if (process.send === undefined) throw new Error('this program is started by the agent, not by hand');
  const send = process.send.bind(process);
  return {
    // A channel that closes while a message leaves is reported by `disconnect`; the message has no receiver any more.
    send: (message) => {
      if (process.connected) send(message, undefined, undefined, () => undefined);
    },
    onMessage: (receive) => {
      process.on('message', receive);
    },
    onClose: (closed) => {
      process.on('disconnect', closed);
    },
  };
}
