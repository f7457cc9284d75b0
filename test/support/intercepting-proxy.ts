import { readFileSync, rmSync, mkdtempSync, writeFileSync } from 'node:fs';
import { connect as connectTcp, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls, createSecureContext, TLSSocket } from 'node:tls';
import type { ProxyCandidate } from '../../src/main/uplink/proxy/candidate.ts';
import { issueCertificate, type IssuedCertificate } from './certificates.ts';

/**
 * A TLS-inspecting proxy of our own, as companies have them: answers CONNECT, shows a certificate for the platform's name
 * from its own CA, and passes on what it reads in clear over a second TLS connection.
 */
export class InterceptingProxy {
  /** Bytes that it read in clear, as text: the agent's requests. */
  read = '';
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #directory = mkdtempSync(join(tmpdir(), 'wf-intercepting-'));
  #material: IssuedCertificate | undefined;

  /** `platformCa` is the file of the CA that it trusts for the platform. Its own is `CN=Inspecting CA, O=Example Corp`. */
  static async start(platformCa: string): Promise<InterceptingProxy> {
    const proxy = new InterceptingProxy(platformCa);
    proxy.#material = await issueCertificate({
      issuer: 'CN=Inspecting CA, O=Example Corp',
      subject: 'CN=localhost',
      names: ['localhost', '127.0.0.1'],
    });
    writeFileSync(proxy.caFile, proxy.#material.ca);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  private constructor(platformCa: string) {
    this.#server = createServer((socket) => {
      this.#track(socket).once('data', (head: Buffer) => {
        const [, port = '0'] = /^CONNECT \S+:(\d+) /.exec(head.toString('latin1')) ?? [];
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        this.#intercept(socket, Number(port), platformCa);
      });
    });
  }

  /** The CA that the host has to trust. */
  get caFile(): string {
    return join(this.#directory, 'inspecting-ca.pem');
  }

  candidate(): ProxyCandidate {
    const { port } = this.#server.address() as AddressInfo;
    return { protocol: 'http', host: '127.0.0.1', port, source: 'configured' };
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #track<S extends Socket>(socket: S): S {
    this.#sockets.add(socket);
    return socket.on('error', () => undefined);
  }

  #intercept(socket: Socket, port: number, platformCa: string): void {
    const { cert = '', key = '' } = this.#material ?? {};
    const secureContext = createSecureContext({ cert, key });
    const inside = this.#track(new TLSSocket(socket, { isServer: true, secureContext }));
    const onward = this.#track(
      connectTls({
        socket: this.#track(connectTcp({ host: '127.0.0.1', port })),
        host: '127.0.0.1',
        ca: readFileSync(platformCa),
      }),
    );
    inside.on('data', (chunk: Buffer) => (this.read += chunk.toString('latin1')));
    inside.pipe(onward).pipe(inside);
    inside.on('close', () => onward.destroy());
    onward.on('close', () => inside.destroy());
  }
}
