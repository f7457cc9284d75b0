import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import type { ProxyCandidate } from '../../src/main/uplink/proxy/candidate.ts';

/** What the proxy does with a request: bytes as they are, `tunnel` opens one, `silent` waits, `drop` ends. */
export type ProxySays = 'tunnel' | 'silent' | 'drop' | { readonly bytes: string; readonly end?: boolean };

/** An HTTP proxy of our own on loopback that says whatever a test tells it. Speaks TLS when it is given a certificate. */
export class ScriptedProxy {
  /** Heads of the requests so far, and on which connection they came, counted from 1. */
  readonly heads: { readonly head: string; readonly connection: number }[] = [];
  script: (head: string, request: number) => ProxySays = () => 'tunnel';
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #tls: boolean;
  #connections = 0;

  constructor(tls?: { readonly cert: string; readonly key: string }) {
    this.#tls = tls !== undefined;
    const serve = (socket: Socket): void => this.#serve(socket);
    this.#server = tls === undefined ? createServer(serve) : createTlsServer(tls, serve);
    this.#server.on('tlsClientError', () => undefined);
  }

  /** Connections that were made to it. */
  get connections(): number {
    return this.#connections;
  }

  /** Listens on a free port. */
  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  candidate(source: ProxyCandidate['source'] = 'configured'): ProxyCandidate {
    return { protocol: this.#tls ? 'https' : 'http', host: '127.0.0.1', port: this.port, source };
  }

  /** Ends it and every connection through it. */
  close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    return new Promise((resolve) => {
      this.#server.close(() => {
        resolve();
      });
    });
  }

  #track(socket: Socket): Socket {
    this.#sockets.add(socket);
    return socket.on('error', () => undefined).on('close', () => this.#sockets.delete(socket));
  }

  #serve(socket: Socket): void {
    this.#connections += 1;
    const connection = this.#connections;
    let head = '';
    const take = (chunk: Buffer): void => {
      head += chunk.toString('latin1');
      if (!head.includes('\r\n\r\n')) return;
      const asked = head;
      head = '';
      this.heads.push({ head: asked, connection });
      const says = this.script(asked, this.heads.length);
      if (says === 'drop') socket.destroy();
      else if (says === 'tunnel') {
        socket.off('data', take);
        this.#tunnel(socket, asked);
      } else if (says !== 'silent') {
        socket.write(says.bytes, 'latin1');
        if (says.end === true) socket.end();
      }
    };
    this.#track(socket).on('data', take);
  }

  #tunnel(socket: Socket, head: string): void {
    const [, host = '', port = ''] = /^CONNECT (\S+):(\d+) /.exec(head) ?? [];
    const onward = connect({ host: host.replace(/^\[|\]$/g, ''), port: Number(port) }, () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      socket.pipe(onward).pipe(socket);
    });
    this.#track(onward).on('close', () => socket.destroy());
    socket.on('close', () => onward.destroy());
  }
}

/** A 407 that keeps the connection, with these `Proxy-Authenticate` fields and a body. */
export function authenticationRequired(...fields: readonly string[]): ProxySays {
  const challenges = fields.map((field) => `Proxy-Authenticate: ${field}\r\n`).join('');
  return {
    bytes: `HTTP/1.1 407 Proxy Authentication Required\r\n${challenges}Content-Length: 5\r\n\r\nsorry`,
  };
}

/** The `Proxy-Authorization` of a request, if it has one. */
export function authorizationOf(head: string): string | undefined {
  return /^proxy-authorization: (.*)\r$/im.exec(head)?.[1];
}
