import { Worker } from 'node:worker_threads';
import type { Os } from '../../table.ts';
import type { FromLedger, ToLedger } from './messages.ts';

/**
 * Heap of the thread, MB: its work needs a few, and one that grows is better ended than left to take the host's memory. Young
 * objects get little of it, since a walk makes them by the million and they would be let grow to three times as much.
 */
const LIMITS = { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 6 };

export interface LedgerThreadOptions {
  /** Path of the database file. */
  readonly file: string;
  readonly os: Os;
  /** The thread's program, where it is not this one's own: a bundle that is measured. */
  readonly program?: URL;
  readonly onMessage: (message: FromLedger) => void;
  /** The thread ended: `error` says why, unless it was told to stop. */
  readonly onEnd: (error: Error | undefined) => void;
}

/** The thread of the ledger, from where the sources are. Messages arrive in their order; nothing here waits. */
export class LedgerThread {
  readonly #worker: Worker;
  #isStopping = false;

  /** Starts the thread. What is posted before it runs is kept for it. */
  constructor({ file, os, program = entry(), onMessage, onEnd }: LedgerThreadOptions) {
    this.#worker = new Worker(program, {
      workerData: { file, os },
      name: 'ledger',
      resourceLimits: LIMITS,
    });
    let failure: Error | undefined;
    this.#worker.on('message', onMessage);
    this.#worker.on('error', (error) => {
      failure = error instanceof Error ? error : new Error(String(error));
    });
    this.#worker.on('exit', (code) => {
      onEnd(failure ?? (this.#isStopping ? undefined : new Error(`the ledger's thread ended with ${code}`)));
    });
  }

  /** Sends a message. One that is posted after `stop` is lost. */
  post(message: ToLedger): void {
    if (message.kind === 'stop') this.#isStopping = true;
    this.#worker.postMessage(message);
  }

  /** Ends the thread where it stands; what is durable stays so. */
  async terminate(): Promise<void> {
    this.#isStopping = true;
    await this.#worker.terminate();
  }
}

/** The source in development, the bundle beside the sensor's where it is installed. */
function entry(): URL {
  const here = import.meta.url;
  return new URL(here.endsWith('.ts') ? './worker.ts' : './ledger.mjs', here);
}
