import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { isIPv6, type Socket } from 'node:net';
import { readExactly, unlessAborted } from './deadline.ts';
import { cleaned, RouteError } from './failure.ts';
import type { ProxyHandshake } from './proxy-authentication.ts';

/** The platform as a proxy is asked for it; an IPv6 address without brackets. */
export interface Target {
  readonly host: string;
  readonly port: number;
}

/** Bytes that a reply to CONNECT may have before its end of headers. */
const MAX_HEADER_BYTES = 16 * 1024;

/** Largest body of a 407 that is read over, so that its connection serves the next request. */
const MAX_BODY_BYTES = 64 * 1024;

/** Requests for one tunnel: Kerberos takes two, NTLM inside Negotiate three, a change of scheme adds some. */
const MAX_LEGS = 8;

/** Where an https URL leads. */
export function targetOf(url: URL): Target {
  return { host: url.hostname.replace(/^\[|\]$/g, ''), port: url.port === '' ? 443 : Number(url.port) };
}

/** `host:port`, IPv6 in brackets. */
export const authorityOf = ({ host, port }: Target): string => `${isIPv6(host) ? `[${host}]` : host}:${port}`;

/**
 * Asks an HTTP proxy for a tunnel (CONNECT, RFC 9110, 9.3.6), with authentication when it wants it, over one connection
 * where the proxy keeps it open. `reach` gives a connection to the proxy. Rejects with a `RouteError` that tells the
 * proxy's answer, or with the error of socket or parser; ends `socket`s that don't become the tunnel.
 */
export async function openTunnel(
  reach: () => Promise<Socket>,
  target: Target,
  handshake: ProxyHandshake,
  signal: AbortSignal,
): Promise<Socket> {
  let socket = await reach();
  try {
    let authorization = await unlessAborted(handshake.first(), signal);
    for (let leg = 0; leg < MAX_LEGS; leg += 1) {
      const reply = await ask(socket, target, authorization, signal);
      const { statusCode: status = 0 } = reply.message;
      if (status >= 200 && status < 300) {
        handshake.accepted();
        return socket;
      }
      if (status !== 407) throw refused(reply.message);
      authorization = await unlessAborted(handshake.answer(reply.challenges), signal);
      if (await readOver(socket, reply.message, signal)) continue;
      if (handshake.bound) throw protocolError('the proxy ends the connection in the middle of Negotiate');
      socket.destroy();
      socket = await reach();
    }
    throw protocolError(`the proxy asks for authentication more than ${MAX_LEGS} times`);
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

interface ConnectReply {
  readonly message: IncomingMessage;
  /** Its `Proxy-Authenticate` fields. */
  readonly challenges: readonly string[];
}

/** Sends one CONNECT and waits for the reply's headers; what comes behind them stays in the socket. */
async function ask(
  socket: Socket,
  target: Target,
  authorization: string | undefined,
  signal: AbortSignal,
): Promise<ConnectReply> {
  const authority = authorityOf(target);
  const outgoing = request({
    method: 'CONNECT',
    path: authority,
    headers: {
      host: authority,
      // Some old proxies know only the second one.
      connection: 'keep-alive',
      'proxy-connection': 'keep-alive',
      ...(authorization !== undefined && { 'proxy-authorization': authorization }),
    },
    createConnection: () => socket,
    maxHeaderSize: MAX_HEADER_BYTES,
    insecureHTTPParser: false,
  });
  // A late error is the socket's, whose reader tells it.
  outgoing.on('error', () => undefined);
  outgoing.end();
  const [message, , head] = (await once(outgoing, 'connect', { signal })) as [
    IncomingMessage,
    Socket,
    Buffer,
  ];
  if (head.length > 0) socket.unshift(head);
  const { rawHeaders } = message;
  const challenges = rawHeaders.filter(
    (_, n) => n % 2 === 1 && rawHeaders[n - 1]?.toLowerCase() === 'proxy-authenticate',
  );
  return { message, challenges };
}

/** Reads over the body of a reply; says whether the connection can serve another request. */
async function readOver(socket: Socket, message: IncomingMessage, signal: AbortSignal): Promise<boolean> {
  const { headers } = message;
  const ends = /close/i.test(`${headers.connection ?? ''} ${String(headers['proxy-connection'] ?? '')}`);
  const length = /^\d{1,9}$/.test(headers['content-length'] ?? '') ? Number(headers['content-length']) : -1;
  if (ends || message.httpVersion !== '1.1' || headers['transfer-encoding'] !== undefined) return false;
  if (length < 0 || length > MAX_BODY_BYTES) return false;
  await readExactly(socket, length, signal);
  return true;
}

function refused(message: IncomingMessage): RouteError {
  const { statusCode = 0, statusMessage = '' } = message;
  const reason = `the proxy refuses to connect: ${`${statusCode} ${cleaned(statusMessage)}`.trim()}`;
  return new RouteError({ kind: 'proxy', code: `PROXY_${statusCode}`, reason });
}

const protocolError = (reason: string): RouteError =>
  new RouteError({ kind: 'proxy', code: 'PROXY_PROTOCOL', reason });
