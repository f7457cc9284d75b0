import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Doorkeeper, DOOR_LIMITS, type DoorLimits } from './doorkeeper.ts';
import { REPLY_HEADERS, replyTo } from './reply.ts';

/** Bounds on a connection. */
export interface EndpointLimits extends DoorLimits {
  /** How long a connection may last from its first to its last byte, ms. */
  readonly connectionMs: number;
  /** Request line and header fields together, bytes. A body is never read. */
  readonly requestBytes: number;
}

export const ENDPOINT_LIMITS: EndpointLimits = { ...DOOR_LIMITS, connectionMs: 5_000, requestBytes: 2_048 };

/**
 * Takes connections and answers the first request of each with the identifier, then closes it. Connections over the
 * limits are reset at once. The returned function takes one connection.
 */
export function endpoint(
  correlationId: string,
  limits: EndpointLimits = ENDPOINT_LIMITS,
): (socket: Socket) => void {
  const http = httpServer(correlationId, limits);
  const door = new Doorkeeper(limits);
  return (socket) => {
    const address = socket.remoteAddress ?? '';
    // Unlike the wall clock this one is never set back.
    if (!door.admit(address, performance.now())) {
      socket.resetAndDestroy();
      return;
    }
    const deadline = setTimeout(() => socket.destroy(), limits.connectionMs);
    socket.once('close', () => {
      clearTimeout(deadline);
      door.leave(address);
    });
    // Handing a connection over is a documented use of the event.
    http.emit('connection', socket);
  };
}

function httpServer(correlationId: string, limits: EndpointLimits): Server {
  const server = createServer({ maxHeaderSize: limits.requestBytes }, (request, response) => {
    answer(request, response, correlationId);
  });
  // A request that expects something before its body is answered like any other: the body is not wanted.
  for (const event of ['checkContinue', 'checkExpectation'] as const) {
    server.on(event, (request: IncomingMessage, response: ServerResponse) => {
      answer(request, response, correlationId);
    });
  }
  return server;
}

function answer(request: IncomingMessage, response: ServerResponse, correlationId: string): void {
  const { method = '', url = '', headers } = request;
  const { status, body } = replyTo({ method, url, headers }, correlationId);
  response.sendDate = false;
  response.writeHead(status, { ...REPLY_HEADERS, 'content-length': String(Buffer.byteLength(body)) });
  response.end(method === 'HEAD' ? undefined : body);
  // What follows the header fields is not waited for.
  response.once('finish', () => {
    request.socket.destroySoon();
  });
}
