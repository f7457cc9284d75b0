import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** Who came to a proxy: for what, and in which way it spoke. */
export interface Visit {
  /** `host:port` for HTTP and SOCKS lines seen as such: `http` absolute URL or CONNECT target; else empty. */
  readonly target: string;
  readonly spoke: 'http' | 'tls' | 'socks4' | 'socks5' | 'other';
}

/** First bytes of what a client says to a proxy: RFC 1928, its predecessor, and RFC 8446. */
const FIRST_BYTES: Readonly<Record<number, Visit['spoke']>> = { 4: 'socks4', 5: 'socks5', 22: 'tls' };

/**
 * A proxy that leads nowhere: it notes who came, answers a request with 204 and a CONNECT with 502, and hangs up on
 * everything else.
 */
export class ListeningProxy {
  readonly visits: Visit[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor() {
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
      socket.on('error', () => undefined);
      socket.once('data', (bytes) => {
        this.#greet(socket, bytes);
      });
    });
  }

  /** Starts listening; port 0 takes any free one. Resolves with `host:port` as a PAC file writes it. */
  async listen(host = '127.0.0.1', port = 0): Promise<string> {
    this.#server.listen(port, host);
    await once(this.#server, 'listening');
    const { port: bound } = this.#server.address() as AddressInfo;
    return host.includes(':') ? `[${host}]:${bound}` : `${host}:${bound}`;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #greet(socket: Socket, bytes: Buffer): void {
    const line = /^(?<method>[A-Z]+) (?<target>\S+) HTTP\/1\.1\r\n/.exec(bytes.toString('latin1'));
    if (line === null) {
      this.visits.push({ target: '', spoke: FIRST_BYTES[bytes[0] ?? 0] ?? 'other' });
      socket.destroy();
      return;
    }
    const { method, target = '' } = line.groups ?? {};
    this.visits.push({ target, spoke: 'http' });
    const status = method === 'CONNECT' ? '502 Bad Gateway\r\nContent-Length: 0' : '204 No Content';
    socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\n\r\n`);
  }
}
