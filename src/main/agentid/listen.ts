import { createServer, type Server, type Socket } from 'node:net';
import type { Configuration } from './configuration.ts';

/** A port of the list that could not be bound. */
export interface Taken {
  readonly port: number;
  /** The system's code, e.g. `EADDRINUSE`. */
  readonly code: string;
}

/** What became of the list of ports. */
export interface Bound {
  readonly servers: readonly Server[];
  readonly ports: readonly number[];
  readonly taken: readonly Taken[];
}

/** Connections that may wait to be accepted: enough that a burst is turned away at once instead of by time-outs. */
const BACKLOG = 128;

/** The system has no IPv6, or it is switched off (ip(7), ipv6(7)). */
const NO_IPV6 = ['EAFNOSUPPORT', 'EADDRNOTAVAIL', 'EINVAL'];

/** Binds one port of one address. Rejects with the system's error. Tests put a double in its place. */
export type OpenPort = (server: Server, port: number, host: string) => Promise<void>;

const openPort: OpenPort = (server, port, host) =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host, ipv6Only: false, backlog: BACKLOG }, () => {
      server.off('error', reject);
      resolve();
    });
  });

/**
 * Binds the lowest free port of the list (R272), or every free one with `bindAll` (R273), for IPv4 and IPv6 at once.
 * `connected` gets the connections. Never rejects: what could not be bound stands in `taken`.
 */
export async function bindPorts(
  { ports, bindAll }: Pick<Configuration, 'ports' | 'bindAll'>,
  connected: (socket: Socket) => void,
  open: OpenPort = openPort,
): Promise<Bound> {
  const servers: Server[] = [];
  const bound: number[] = [];
  const taken: Taken[] = [];
  for (const port of ports) {
    const opened = await bindPort(port, connected, open);
    if ('server' in opened) {
      servers.push(opened.server);
      bound.push(port);
      if (!bindAll) break;
    } else {
      taken.push({ port, code: opened.code });
    }
  }
  return { servers, ports: bound, taken };
}

type Opened = { readonly server: Server } | { readonly code: string };

/** Both address families through one socket; where there is no IPv6, IPv4 alone. */
async function bindPort(port: number, connected: (socket: Socket) => void, open: OpenPort): Promise<Opened> {
  const dual = await attempt(port, '::', connected, open);
  return 'code' in dual && NO_IPV6.includes(dual.code) ? attempt(port, '0.0.0.0', connected, open) : dual;
}

async function attempt(
  port: number,
  host: string,
  connected: (socket: Socket) => void,
  open: OpenPort,
): Promise<Opened> {
  const server = createServer({ allowHalfOpen: true }, connected);
  try {
    await open(server, port, host);
    // A host that is out of descriptors refuses a connection (accept(2)); the next one may come through.
    server.on('error', () => undefined);
    return { server };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    return { code };
  }
}
