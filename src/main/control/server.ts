import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { chmodSync, rmSync } from 'node:fs';
import { z } from 'zod';
import {
  CONTROL_HEADER,
  CONTROL_VERSION,
  CycleRequest,
  type AgentEvent,
  type CycleReply,
  type ProfileReply,
  type ProvisionNowReply,
  type WatchLine,
} from '../../shared/control.ts';
import { EVENT_STREAMS, type EventStream } from '../../shared/host-events.ts';
import { ScanRequest, type ScanReply } from '../../shared/scan.ts';
import type { AgentStatus } from '../../shared/status.ts';

/** What the control channel can ask of the core. */
export interface ControlTarget {
  readonly status: () => AgentStatus;
  /** Calls back on every change; returns what ends it. */
  readonly watch: (watcher: {
    status: (status: AgentStatus) => void;
    event: (event: AgentEvent) => void;
  }) => () => void;
  readonly profile: () => ProfileReply;
  /** The last events, the oldest first. */
  readonly recentEvents: () => AgentEvent[];
  /** Tries to register now, whatever the back-off says; or the code and the sentence of the refusal. */
  readonly provisionNow: () => ProvisionNowReply | Refusal;
  readonly hostEvents: {
    /** The newest events of files or processes, the oldest of them first, each a record as JSON. */
    readonly of: (stream: EventStream) => readonly string[];
    /** Calls back with every new one; returns what ends it. */
    readonly watch: (stream: EventStream, watcher: (body: string) => void) => () => void;
  };
  readonly requestCycle: (request: CycleRequest) => CycleReply;
  readonly demandScan: (
    wish: ScanRequest & { readonly origin: 'user' | 'administrator' },
  ) => Promise<ScanAnswer>;
}

/** Code and sentence of what the core does not do. */
interface Refusal {
  readonly refused: string;
  readonly reason: string;
}

/** A scan that was accepted, or the refusal. */
type ScanAnswer = { readonly accepted: ScanReply } | Refusal;

/** Who may use an endpoint: the operating system decides by the rights on it, not we by what a client says. */
type Access = 'read' | 'admin';

/** Longest request body, bytes. */
const MAX_BODY = 64 * 1024;
/** A watcher that is this many bytes behind is dropped; it gets a fresh snapshot when it comes back. */
const MAX_BACKLOG = 1024 * 1024;
/** Connections per endpoint. */
const MAX_CONNECTIONS = 64;

/** Why a call is not answered: what the client did, not what went wrong here. */
class Refused extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

type Handler = (target: ControlTarget, body: unknown, endpoint: Access) => unknown;

/** Path → handler and the access that it needs. */
const ROUTES: Readonly<Record<string, { readonly access: Access; readonly handle: Handler }>> = {
  'GET /v1/status': { access: 'read', handle: (target) => target.status() },
  'GET /v1/profile': { access: 'read', handle: (target) => target.profile() },
  'GET /v1/events': { access: 'read', handle: (target) => ({ events: target.recentEvents() }) },
  'POST /v1/cycle': {
    access: 'admin',
    handle: (target, body) => target.requestCycle(parsed(CycleRequest, body)),
  },
  'POST /v1/provision': {
    access: 'admin',
    handle: (target) => {
      const answer = target.provisionNow();
      if ('state' in answer) return answer;
      throw new Refused(409, answer.refused, answer.reason);
    },
  },
  'POST /v1/scan': {
    access: 'read',
    handle: async (target, body, endpoint) => {
      const origin = endpoint === 'admin' ? 'administrator' : 'user';
      const answer = await target.demandScan({ ...parsed(ScanRequest, body), origin });
      if ('accepted' in answer) return answer.accepted;
      throw new Refused(answer.refused === 'CPU_LIMIT' ? 403 : 409, answer.refused, answer.reason);
    },
  },
};

/** The two endpoints of the control channel, open until `close`. */
export interface ControlServer {
  readonly close: () => Promise<void>;
}

/**
 * Opens the read and the admin endpoint (architecture, "The core"). The caller owns the data directory's lock, so a
 * socket that is already there is a dead agent's and is replaced.
 */
export async function openControl(
  endpoints: { readonly read: string; readonly admin: string },
  target: ControlTarget,
): Promise<ControlServer> {
  const servers: Server[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(servers.map(closeServer));
  };
  try {
    for (const access of ['admin', 'read'] as const) {
      servers.push(await listen(createEndpoint(access, target), endpoints[access], access));
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { close };
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => {
      resolve();
    });
    server.closeAllConnections();
  });
}

/** Binds with no rights for others from the first moment, then opens the read endpoint to everyone. */
function listen(server: Server, endpoint: string, access: Access): Promise<Server> {
  const isSocket = process.platform !== 'win32';
  if (isSocket) rmSync(endpoint, { force: true });
  const mask = process.umask(0o177);
  return new Promise<Server>((resolve, reject) => {
    server.once('error', reject);
    server.listen(
      { path: endpoint, ...(!isSocket && access === 'read' && { readableAll: true, writableAll: true }) },
      () => {
        if (isSocket) chmodSync(endpoint, access === 'read' ? 0o666 : 0o600);
        resolve(server);
      },
    );
    // The socket file is made synchronously inside listen(), so the mask need not stay.
    process.umask(mask);
  });
}

function createEndpoint(access: Access, target: ControlTarget): Server {
  const server = createServer(
    {
      requestTimeout: 10_000,
      headersTimeout: 5_000,
      connectionsCheckingInterval: 2_500,
      maxHeaderSize: 8_192,
    },
    (request, response) => {
      void answer(access, target, request, response);
    },
  );
  server.maxConnections = MAX_CONNECTIONS;
  return server;
}

async function answer(
  access: Access,
  target: ControlTarget,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const route = `${request.method ?? ''} ${request.url ?? ''}`;
  response.setHeader(CONTROL_HEADER, CONTROL_VERSION);
  try {
    checkVersion(request);
    if (route === 'GET /v1/watch') {
      watch(target, request, response);
      return;
    }
    const stream = EVENT_STREAMS.find((one) => route.endsWith(`/${one}`));
    if (stream !== undefined && route === `GET /v1/watch/${stream}`) {
      requireAdmin(access);
      watchHostEvents(target, stream, response);
    } else if (stream !== undefined && route === `GET /v1/host-events/${stream}`) {
      requireAdmin(access);
      send(response, 200, `{"events":[${target.hostEvents.of(stream).join()}]}`);
    } else {
      const { handle } = routeFor(route, access);
      reply(response, 200, await handle(target, await readBody(request), access));
    }
  } catch (error) {
    refuse(response, error);
  }
}

/** A client that names another version of the contract is told so before anything is read or done. */
function checkVersion(request: IncomingMessage): void {
  const spoken = request.headers[CONTROL_HEADER];
  if (spoken === undefined || spoken === String(CONTROL_VERSION)) return;
  throw new Refused(
    400,
    'VERSION',
    `this agent speaks version ${CONTROL_VERSION} of the control channel, not ${String(spoken).slice(0, 20)}: use the wayfarerctl that was installed with it`,
  );
}

function routeFor(route: string, access: Access): (typeof ROUTES)[string] {
  const known = ROUTES[route];
  if (known === undefined) throw new Refused(404, 'UNKNOWN', `no such call: ${route.slice(0, 100)}`);
  if (known.access === 'admin') requireAdmin(access);
  return known;
}

function requireAdmin(access: Access): void {
  if (access === 'admin') return;
  throw new Refused(403, 'ADMIN_ONLY', 'this call needs the admin endpoint: run it as root');
}

function watch(target: ControlTarget, request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/x-ndjson' });
  const write = (line: WatchLine): void => {
    if (response.writableLength > MAX_BACKLOG) response.destroy();
    else response.write(`${JSON.stringify(line)}\n`);
  };
  write({ kind: 'snapshot', version: CONTROL_VERSION, status: target.status() });
  const end = target.watch({
    status: (status) => {
      write({ kind: 'status', status });
    },
    event: (event) => {
      write({ kind: 'event', event });
    },
  });
  response.on('close', end);
  request.on('error', end);
}

/** First what is remembered, then every new event. Who reads too slowly is told how many were left out. */
function watchHostEvents(target: ControlTarget, stream: EventStream, response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/x-ndjson' });
  let skipped = 0;
  const write = (body: string): void => {
    if (response.writableLength > MAX_BACKLOG) {
      skipped += 1;
      return;
    }
    if (skipped > 0) response.write(`{"skipped":${String(skipped)}}\n`);
    skipped = 0;
    response.write(`{"event":${body}}\n`);
  };
  // At once, so that who waits for the first event knows that it is heard.
  response.flushHeaders();
  target.hostEvents.of(stream).forEach(write);
  response.on('close', target.hostEvents.watch(stream, write));
}

/** The body as JSON, `{}` for none. A refused one is not destroyed: its sender is still to be told why. */
async function readBody(request: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > MAX_BODY) throw new Refused(413, 'TOO_LARGE', `body is larger than ${MAX_BODY} bytes`);
    parts.push(part);
  }
  try {
    return size === 0 ? {} : (JSON.parse(Buffer.concat(parts).toString('utf8')) as unknown);
  } catch {
    throw new Refused(400, 'BAD_REQUEST', 'the body is not JSON');
  }
}

function parsed<T>(schema: z.ZodType<T>, body: unknown): T {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  throw new Refused(400, 'BAD_REQUEST', z.prettifyError(result.error).slice(0, 500));
}

function reply(response: ServerResponse, status: number, body: unknown): void {
  send(response, status, JSON.stringify(body));
}

function send(response: ServerResponse, status: number, json: string): void {
  const text = `${json}\n`;
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    // What is left of a refused body is not read.
    ...(status !== 200 && { connection: 'close' }),
  });
  response.end(text);
}

function refuse(response: ServerResponse, error: unknown): void {
  const known = error instanceof Refused ? error : new Refused(500, 'INTERNAL', String(error).slice(0, 500));
  if (response.headersSent) response.destroy();
  else reply(response, known.status, { error: { code: known.code, message: known.message } });
}
