import { once } from 'node:events';
import type { Socket } from 'node:net';
import { ENDED, RouteError, type Failure } from './failure.ts';

/**
 * A limit of time for one or several steps. It holds its timer only until `end`: limits are long, exchanges many, and
 * Node keeps the timers of `AbortSignal.timeout` until they fire.
 */
export class Deadline {
  readonly #controller = new AbortController();
  readonly #timer: NodeJS.Timeout;
  readonly #seconds: number;
  readonly #ended: AbortSignal | undefined;
  readonly #passOn: () => void;
  #late = false;

  /** `ms` from now; `ended` ends it earlier, with its reason, as when the agent stops. */
  constructor(ms: number, ended?: AbortSignal) {
    this.#seconds = ms / 1000;
    this.#ended = ended;
    this.#timer = setTimeout(() => {
      this.#late = true;
      this.#controller.abort(this.#timeout('the exchange'));
    }, ms);
    this.#passOn = (): void => {
      this.#controller.abort(ended?.reason);
    };
    if (ended?.aborted === true) this.#passOn();
    else ended?.addEventListener('abort', this.#passOn);
  }

  /** Aborts when the time is up or it was ended; its reason is a `RouteError` in the first case. */
  get signal(): AbortSignal {
    return this.#controller.signal;
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
      if (this.#late) throw this.#timeout(name, error);
      if (this.signal.aborted) throw ended(name, this.signal.reason);
      throw new RouteError(explain(error), error);
    }
  }

  /** Lets go of timer and listener; it never aborts after that. */
  end(): void {
    clearTimeout(this.#timer);
    this.#ended?.removeEventListener('abort', this.#passOn);
  }

  #timeout(name: string, cause?: unknown): RouteError {
    const reason = `${name} took longer than ${this.#seconds} s`;
    return new RouteError({ kind: 'transport', code: 'ETIMEDOUT', reason }, cause);
  }
}

function ended(name: string, reason: unknown): RouteError {
  if (reason instanceof RouteError) return reason;
  return new RouteError({ kind: 'transport', code: ENDED, reason: `${name} was ended` }, reason);
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

/**
 * What `work` gives, unless the signal comes first: then it rejects, and what `work` still gives is nobody's. For what can't
 * be ended, as a call of the system's library.
 */
export function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      reject(new Error('ended while it was waited for', { cause: signal.reason }));
    };
    signal.addEventListener('abort', stop);
    if (signal.aborted) stop();
    const settled = (): void => {
      signal.removeEventListener('abort', stop);
    };
    work.finally(settled).then(resolve, reject);
  });
}

/** Exactly `size` bytes of a socket that nobody else reads. Rejects when it ends before. */
export async function readExactly(socket: Socket, size: number, signal: AbortSignal): Promise<Buffer> {
  let bytes: Buffer = Buffer.alloc(0);
  while (bytes.length < size) {
    // All that is there: with a rest in its buffer a socket says `readable` at once, for ever.
    const more = socket.read() as Buffer | null;
    if (more !== null) bytes = Buffer.concat([bytes, more]);
    else if (socket.readableEnded || socket.destroyed) {
      throw Object.assign(new Error('the connection ended in the middle of a reply'), { code: 'ECONNRESET' });
    } else await oneOf(socket, ['readable', 'end', 'close'], signal);
  }
  if (bytes.length > size) socket.unshift(bytes.subarray(size));
  return bytes.subarray(0, size);
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
