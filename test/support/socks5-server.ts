import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { ProxyCandidate } from '../../src/main/uplink/proxy/candidate.ts';

/** What a SOCKS5 server of a test insists on or answers. */
export interface Socks5Setup {
  readonly username?: string;
  readonly password?: string;
  /** The reply code of RFC 1928, 6 in place of a connection. */
  readonly refuse?: number;
  /** Where a name leads; names are given to the server as they are. */
  readonly resolve?: (name: string) => string;
}

/** A SOCKS5 server of our own on loopback (RFC 1928, 1929). It keeps what it was asked for. */
export class Socks5Server {
  /** `type address` of each request: 1 IPv4, 3 a name, 4 IPv6. */
  readonly asked: string[] = [];
  /** User and password as they came. */
  readonly logins: string[] = [];
  readonly #setup: Socks5Setup;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(setup: Socks5Setup = {}) {
    this.#setup = setup;
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      this.#serve(socket).catch(() => socket.destroy());
    });
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  candidate(source: ProxyCandidate['source'] = 'configured'): ProxyCandidate {
    const { port } = this.#server.address() as AddressInfo;
    return { protocol: 'socks5', host: '127.0.0.1', port, source };
  }

  close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    return new Promise((resolve) => {
      this.#server.close(() => {
        resolve();
      });
    });
  }

  async #serve(socket: Socket): Promise<void> {
    const [, count = 0] = await take(socket, 2);
    const methods = await take(socket, count);
    const wanted = this.#setup.username === undefined ? 0 : 2;
    if (!methods.includes(wanted)) {
      socket.end(Uint8Array.of(5, 0xff));
      return;
    }
    socket.write(Uint8Array.of(5, wanted));
    if (wanted === 2 && !(await this.#login(socket))) return;
    const [, , , type = 0] = await take(socket, 4);
    const length = type === 1 ? 4 : type === 4 ? 16 : ((await take(socket, 1))[0] ?? 0);
    const address = await take(socket, length);
    const port = (await take(socket, 2)).readUInt16BE();
    this.asked.push(`${String(type)} ${type === 3 ? address.toString() : address.toString('hex')}`);
    const { refuse, resolve } = this.#setup;
    if (refuse !== undefined) {
      socket.end(Uint8Array.of(5, refuse, 0, 1, 0, 0, 0, 0, 0, 0));
      return;
    }
    const host = type === 3 ? (resolve?.(address.toString()) ?? address.toString()) : '127.0.0.1';
    const onward = connect({ host, port }, () => {
      // The bound address as a name, of which nobody makes use.
      socket.write(Buffer.from([5, 0, 0, 3, 4, ...Buffer.from('here'), 0, 80]));
      socket.pipe(onward).pipe(socket);
    });
    this.#sockets.add(onward);
    onward.on('error', () => socket.destroy());
  }

  async #login(socket: Socket): Promise<boolean> {
    const [, userLength = 0] = await take(socket, 2);
    const user = (await take(socket, userLength)).toString();
    const [passwordLength = 0] = await take(socket, 1);
    const password = (await take(socket, passwordLength)).toString();
    this.logins.push(`${user}:${password}`);
    const good = user === this.#setup.username && password === this.#setup.password;
    socket.write(Uint8Array.of(1, good ? 0 : 1));
    if (!good) socket.end();
    return good;
  }
}

/** Exactly `size` bytes. */
async function take(socket: Socket, size: number): Promise<Buffer> {
  let bytes = Buffer.alloc(0);
  while (bytes.length < size) {
    const more = socket.read() as Buffer | null;
    if (more !== null) bytes = Buffer.concat([bytes, more]);
    else if (socket.destroyed || socket.readableEnded) throw new Error('ended');
    else await new Promise<void>((resolve) => afterNext(socket, resolve));
  }
  if (bytes.length > size) socket.unshift(bytes.subarray(size));
  return bytes.subarray(0, size);
}

function afterNext(socket: Socket, resolve: () => void): void {
  const done = (): void => {
    for (const event of EVENTS) socket.off(event, done);
    resolve();
  };
  for (const event of EVENTS) socket.on(event, done);
}

const EVENTS = ['readable', 'end', 'close'];
