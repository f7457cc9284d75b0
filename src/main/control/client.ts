import { request as httpRequest, type IncomingMessage } from 'node:http';
import { lstatSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { ControlError, CycleReply, WatchLine, type CycleRequest } from '../../shared/control.ts';
import { AgentStatus } from '../../shared/status.ts';
import { isErrno } from '../host/atomic-file.ts';

/** Why the agent could not be asked. */
export class ControlFailure extends Error {
  override readonly name = 'ControlFailure';
  readonly kind: 'not running' | 'permission' | 'refused' | 'protocol';

  constructor(kind: ControlFailure['kind'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}

/** How long a single call may take, ms. */
const TIMEOUT_MS = 10_000;

/**
 * A client of the control channel. It refuses an endpoint that belongs to neither root nor the caller: another user's
 * socket in the agent's place must not be believed. Every method throws `ControlFailure`.
 */
export class ControlClient {
  readonly #endpoint: string;

  constructor(endpoint: string) {
    this.#endpoint = endpoint;
  }

  async status(): Promise<AgentStatus> {
    return AgentStatus.parse(await this.#call('GET', '/v1/status'));
  }

  async requestCycle(request: CycleRequest): Promise<CycleReply> {
    return CycleReply.parse(await this.#call('POST', '/v1/cycle', request));
  }

  /** Yields the snapshot, then every change, until the agent ends or `signal` aborts. */
  async *watch(signal?: AbortSignal): AsyncGenerator<WatchLine, void, undefined> {
    const response = await this.#open('GET', '/v1/watch', undefined, signal);
    try {
      for await (const line of createInterface({ input: response, crlfDelay: Infinity })) {
        yield WatchLine.parse(JSON.parse(line));
      }
    } catch (error) {
      if (signal?.aborted !== true && !isErrno(error, 'ECONNRESET')) throw error;
    }
  }

  async #call(method: string, path: string, body?: object): Promise<unknown> {
    const response = await this.#open(method, path, body);
    const parts: Buffer[] = [];
    for await (const part of response as AsyncIterable<Buffer>) parts.push(part);
    const value = JSON.parse(Buffer.concat(parts).toString('utf8')) as unknown;
    if (response.statusCode === 200) return value;
    const refusal = ControlError.safeParse(value);
    throw new ControlFailure(
      'refused',
      refusal.success ? refusal.data.error.message : `status ${String(response.statusCode)}`,
    );
  }

  #open(method: string, path: string, body?: object, signal?: AbortSignal): Promise<IncomingMessage> {
    this.#checkOwner();
    return new Promise((resolve, reject) => {
      const text = body === undefined ? '' : JSON.stringify(body);
      const request = httpRequest(
        {
          socketPath: this.#endpoint,
          method,
          path,
          headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) },
          ...(signal === undefined ? { timeout: TIMEOUT_MS } : { signal }),
        },
        resolve,
      );
      request.on('timeout', () => {
        request.destroy(new Error('the agent did not answer in time'));
      });
      request.on('error', (error) => {
        reject(failureOf(error, this.#endpoint));
      });
      request.end(text);
    });
  }

  #checkOwner(): void {
    if (process.platform === 'win32') return;
    try {
      const { uid } = lstatSync(this.#endpoint);
      if (uid !== 0 && uid !== process.geteuid?.()) {
        throw new ControlFailure(
          'permission',
          `${this.#endpoint} belongs to user ${String(uid)}: not the agent's`,
        );
      }
    } catch (error) {
      if (error instanceof ControlFailure) throw error;
      throw failureOf(error, this.#endpoint);
    }
  }
}

function failureOf(error: unknown, endpoint: string): ControlFailure {
  if (isErrno(error, 'EACCES') || isErrno(error, 'EPERM')) {
    return new ControlFailure(
      'permission',
      `${endpoint} may not be used by this user: run the command as root`,
      { cause: error },
    );
  }
  if (isErrno(error, 'ENOENT') || isErrno(error, 'ECONNREFUSED')) {
    return new ControlFailure('not running', `no agent answers at ${endpoint}`, { cause: error });
  }
  return new ControlFailure('protocol', error instanceof Error ? error.message : String(error), {
    cause: error,
  });
}
