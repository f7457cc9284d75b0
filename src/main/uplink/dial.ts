import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { type Deadline, eventOf, unlessAborted } from './deadline.ts';
import { causeOf, failureOf, type Failure } from './failure.ts';
import type { ProxyAuthentication } from './proxy-authentication.ts';
import { mayGetCredentials, proxyUrl, type Candidate, type ProxyCandidate } from './proxy/candidate.ts';
import { connectSocks5 } from './socks5.ts';
import type { Trust } from './trust.ts';
import { authorityOf, openTunnel, type Target } from './tunnel.ts';

/** What dialling needs beside the way and the target. */
export interface Dialling {
  readonly trust: Trust;
  readonly authentication: ProxyAuthentication;
}

/**
 * A TLS connection to the platform by one way: TLS 1.2 or newer, its certificate verified against `trust` and its name
 * (R003), whoever stands between. Rejects with a `RouteError`; nothing stays open then.
 */
export async function dial(
  candidate: Candidate,
  target: Target,
  dialling: Dialling,
  deadline: Deadline,
): Promise<TLSSocket> {
  const socket = await dialClear(candidate, target, dialling, deadline);
  return deadline.step(`TLS with ${authorityOf(target)}`, failureOf, () =>
    secured(socket, target.host, dialling.trust, deadline.signal),
  );
}

/** The way up to the platform's port, before TLS with the platform. Rejects with a `RouteError`. */
export async function dialClear(
  candidate: Candidate,
  target: Target,
  { trust, authentication }: Dialling,
  deadline: Deadline,
): Promise<Socket> {
  const { signal } = deadline;
  if (candidate === 'direct') {
    return deadline.step(`connecting to ${authorityOf(target)}`, failureOf, () => reached(target, signal));
  }
  const reach = (): Promise<Socket> => dialProxy(candidate, trust, deadline);
  if (candidate.protocol === 'socks5') {
    const socket = await reach();
    const credentials = mayGetCredentials(candidate)
      ? () => unlessAborted(authentication.credentials(candidate), signal)
      : undefined;
    return deadline.step(`SOCKS5 with ${proxyUrl(candidate)}`, proxyFailure, () =>
      orDestroyed(socket, connectSocks5(socket, target, credentials, signal)),
    );
  }
  const handshake = authentication.begin(candidate);
  try {
    return await deadline.step(`CONNECT through ${proxyUrl(candidate)}`, proxyFailure, () =>
      openTunnel(reach, target, handshake, signal),
    );
  } finally {
    handshake.close();
  }
}

/** A connection to the proxy itself; for https inside TLS that is verified as strictly as the platform's. */
async function dialProxy(candidate: ProxyCandidate, trust: Trust, deadline: Deadline): Promise<Socket> {
  const { signal } = deadline;
  const shown = proxyUrl(candidate);
  const socket = await deadline.step(`connecting to ${shown}`, failureOf, () => reached(candidate, signal));
  if (candidate.protocol !== 'https') return socket;
  return deadline.step(`TLS with ${shown}`, proxyTlsFailure, () =>
    secured(socket, candidate.host, trust, signal),
  );
}

function reached({ host, port }: Target, signal: AbortSignal): Promise<Socket> {
  const socket = connectTcp({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 });
  return eventOf(socket, 'connect', signal);
}

function secured(socket: Socket, host: string, trust: Trust, signal: AbortSignal): Promise<TLSSocket> {
  const tls = connectTls({
    socket,
    host,
    // An address is no name for SNI (RFC 6066, 3); the certificate is checked against `host` then.
    servername: isIP(host) === 0 ? host : '',
    secureContext: trust.context(),
    ALPNProtocols: ['http/1.1'],
    // Said aloud: NODE_TLS_REJECT_UNAUTHORIZED would switch the default off.
    rejectUnauthorized: true,
  });
  return orDestroyed(socket, eventOf(tls, 'secureConnect', signal)).then(() => tls);
}

async function orDestroyed(socket: Socket, work: Promise<unknown>): Promise<Socket> {
  try {
    await work;
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

function proxyFailure(error: unknown): Failure {
  const { code, reason } = causeOf(error);
  const words = `the proxy does not answer as one: ${[code, reason].filter(Boolean).join(' ')}`;
  return { kind: 'proxy', code: 'PROXY_PROTOCOL', reason: words };
}

function proxyTlsFailure(error: unknown): Failure {
  const { code, reason } = causeOf(error);
  return { kind: 'proxy', code: 'PROXY_TLS', reason: [code, reason].filter(Boolean).join(' ') };
}
