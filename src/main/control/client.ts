import { request as httpRequest, type IncomingMessage } from 'node:http';
import { lstatSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { z } from 'zod';
import {
  CONTROL_HEADER,
  CONTROL_VERSION,
  ControlError,
  CycleReply,
  EventsReply,
  HostEventLine,
  HostEventsReply,
  ProfileReply,
  ProvisionNowReply,
  WatchLine,
  type CycleRequest,
} from '../../shared/control.ts';
import type { EventStream } from '../../shared/host-events.ts';
import { ScanReply, type ScanRequest } from '../../shared/scan.ts';
import { AgentStatus } from '../../shared/status.ts';
import { isErrno } from '../host/atomic-file.ts';

/** Why the agent could not be asked. */
export class ControlFailure extends Error {
  override readonly name = 'ControlFailure';
  readonly kind: 'not running' | 'permission' | 'refused' | 'timeout' | 'protocol';
  /** The agent's code of a refusal; empty for every other failure. */
  readonly code: string;

  constructor(kind: ControlFailure['kind'], message: string, options?: ErrorOptions & { code?: string }) {
    super(message, options);
    this.kind = kind;
    this.code = options?.code ?? '';
  }
}

/** How long a single call may take, ms. */
const TIMEOUT_MS = 10_000;

/** Longest answer, bytes: a status is a few thousand. */
const MAX_ANSWER = 4 * 1024 * 1024;

/**
 * A client of the control channel. It refuses an endpoint that belongs to neither root nor the caller: another user's
 * socket in the agent's place must not be believed. Every method throws `ControlFailure`.
 */
export class ControlClient {
  readonly #endpoint: string;
  readonly #timeoutMs: number;

  /** `endpoint` is a socket's path or a pipe's name; `timeoutMs` bounds a whole call, a watch excepted. */
  constructor(endpoint: string, timeoutMs = TIMEOUT_MS) {
    this.#endpoint = endpoint;
    this.#timeoutMs = timeoutMs;
  }

  async status(): Promise<AgentStatus> {
    return this.statusAs(AgentStatus);
  }

  /** What a schema takes from the status: for a tool that has to understand an agent of any version (R191). */
  async statusAs<T>(schema: z.ZodType<T>): Promise<T> {
    return this.#call(schema, 'GET', '/v1/status');
  }

  async profile(): Promise<ProfileReply> {
    return this.#call(ProfileReply, 'GET', '/v1/profile');
  }

  /** The last events, the oldest first. */
  async events(): Promise<EventsReply['events']> {
    return (await this.#call(EventsReply, 'GET', '/v1/events')).events;
  }

  /** The newest events of files or processes, the oldest of them first; needs the admin endpoint. */
  async hostEvents(stream: EventStream): Promise<HostEventsReply['events']> {
    return (await this.#call(HostEventsReply, 'GET', `/v1/host-events/${stream}`)).events;
  }

  /** Has the agent try to register now. A refusal's `code` is `NOT_CONFIGURED` or `UNINSTALLED`. */
  async provisionNow(): Promise<ProvisionNowReply['state']> {
    return (await this.#call(ProvisionNowReply, 'POST', '/v1/provision')).state;
  }

  async requestCycle(request: CycleRequest): Promise<CycleReply> {
    return this.#call(CycleReply, 'POST', '/v1/cycle', request);
  }

  /** Asks for a scan now; a refusal's `code` is one of `SCAN_REFUSALS`, or `CPU_LIMIT`. */
  async scan(request: ScanRequest): Promise<ScanReply> {
    return this.#call(ScanReply, 'POST', '/v1/scan', request);
  }

  /** Yields the snapshot, then every change, until the agent ends or `signal` aborts. */
  async *watch(signal?: AbortSignal): AsyncGenerator<WatchLine, void, undefined> {
    yield* this.#lines(WatchLine, '/v1/watch', signal);
  }

  /** Yields the newest events of files or processes, then every new one; needs the admin endpoint. */
  async *watchHostEvents(
    stream: EventStream,
    signal?: AbortSignal,
  ): AsyncGenerator<HostEventLine, void, undefined> {
    yield* this.#lines(HostEventLine, `/v1/watch/${stream}`, signal);
  }

  async *#lines<T>(
    schema: z.ZodType<T>,
    path: string,
    signal?: AbortSignal,
  ): AsyncGenerator<T, void, undefined> {
    const response = await this.#open('GET', path, undefined, signal);
    if (response.statusCode !== 200) throw refusal(await this.#text(response));
    try {
      for await (const line of createInterface({ input: response, crlfDelay: Infinity })) {
        yield parsed(schema, line);
      }
    } catch (error) {
      if (signal?.aborted !== true && !isErrno(error, 'ECONNRESET')) throw failureOf(error, this.#endpoint);
    } finally {
      response.destroy();
    }
  }

  async #call<T>(schema: z.ZodType<T>, method: string, path: string, body?: object): Promise<T> {
    const deadline = AbortSignal.timeout(this.#timeoutMs);
    const response = await this.#open(method, path, body, deadline);
    const text = await this.#text(response, deadline);
    if (response.statusCode === 200) return parsed(schema, text);
    throw refusal(text);
  }

  #text(response: IncomingMessage, deadline?: AbortSignal): Promise<string> {
    return readAnswer(response).catch((error: unknown) => {
      throw failureOf(deadline?.aborted === true ? deadline.reason : error, this.#endpoint);
    });
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
          headers: {
            'content-type': 'application/json',
            'content-length': Buffer.byteLength(text),
            [CONTROL_HEADER]: CONTROL_VERSION,
          },
          ...(signal !== undefined && { signal }),
        },
        resolve,
      );
      request.on('error', (error) => {
        reject(failureOf(signal?.aborted === true ? signal.reason : error, this.#endpoint));
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

function refusal(text: string): ControlFailure {
  const { code, message } = parsed(ControlError, text).error;
  return new ControlFailure('refused', message, { code });
}

async function readAnswer(response: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of response as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > MAX_ANSWER) throw new Error(`the answer is larger than ${String(MAX_ANSWER)} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

function parsed<T>(schema: z.ZodType<T>, text: string): T {
  try {
    return schema.parse(JSON.parse(text));
  } catch (error) {
    throw new ControlFailure('protocol', 'the answer is not one that this version understands', {
      cause: error,
    });
  }
}

function failureOf(error: unknown, endpoint: string): ControlFailure {
  if (error instanceof ControlFailure) return error;
  if (error instanceof Error && error.name === 'TimeoutError') {
    return new ControlFailure('timeout', `the agent did not answer in time at ${endpoint}`, { cause: error });
  }
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
