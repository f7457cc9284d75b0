import { once } from 'node:events';
import type { Socket } from 'node:net';
import { ENDED, RouteError, type Failure } from './failure.ts';

/** A limit of time for several steps that names, when it passes, the step that was under way. */
export class Deadline {
  readonly #controller = new AbortController();
  readonly #timer: NodeJS.Timeout;
  readonly #ms: number;
  readonly signal: AbortSignal;

  /** `ms` from now; `ended` ends it earlier, as when the agent stops. */
  constructor(ms: number, ended?: AbortSignal) {
    this.#ms = ms;
    this.#timer = setTimeout(() => this.#controller.abort(), ms);
    const { signal } = this.#controller;
    this.signal = ended === undefined ? signal : AbortSignal.any([signal, ended]);
  }

  /**
   * Runs one step. What it throws becomes a `RouteError`: a timeout with the step's name when the time was up, else
   * what `explain` makes of it.
   */
  async step<T>(name: string, explain: (error: unknown) => Failure, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof RouteError) throw error;
      if (this.#controller.signal.aborted) {
        const reason = `${name} took longer than ${this.#ms / 1000} s`;
        throw new RouteError({ kind: 'transport', code: 'ETIMEDOUT', reason }, error);
      }
      if (this.signal.aborted) {
        throw new RouteError({ kind: 'transport', code: ENDED, reason: `${name} was ended` }, error);
      }
      throw new RouteError(explain(error), error);
    }
  }

  /** Lets go of the timer. */
  end(): void {
    clearTimeout(this.#timer);
  }
}

/** Waits for an event of a socket; destroys the socket when an error, its end or the signal comes first. */
export async function eventOf<S extends Socket>(socket: S, event: string, signal: AbortSignal): Promise<S> {
  // Whatever happens to it later is told by its reads and writes.
  socket.on('error', () => undefined);
  try {
    await once(socket, event, { signal });
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

/** Exactly `size` bytes of a socket that nobody else reads. Rejects when it ends before. */
export async function readExactly(socket: Socket, size: number, signal: AbortSignal): Promise<Buffer> {
  for (;;) {
    const bytes = size === 0 ? Buffer.alloc(0) : (socket.read(size) as Buffer | null);
    if (bytes?.length === size) return bytes;
    if (bytes !== null || socket.readableEnded || socket.destroyed) {
      throw Object.assign(new Error('the connection ended in the middle of a reply'), { code: 'ECONNRESET' });
    }
    await oneOf(socket, ['readable', 'end', 'close'], signal);
  }
}

async function oneOf(socket: Socket, events: readonly string[], signal: AbortSignal): Promise<void> {
  const settled = new AbortController();
  const either = AbortSignal.any([signal, settled.signal]);
  try {
    await Promise.race(events.map((event) => once(socket, event, { signal: either })));
  } finally {
    settled.abort();
  }
}
