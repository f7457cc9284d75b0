import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A server of a proxy script on loopback, which can change, die and come back on its port. */
export class PacServer {
  /** What it serves at the moment. */
  script: string;
  #server: Server | undefined;
  #port = 0;

  constructor(script: string) {
    this.script = script;
  }

  /** The script's address; the same after the server came back. */
  get url(): string {
    return `http://127.0.0.1:${String(this.#port)}/agent.pac`;
  }

  async start(): Promise<void> {
    const server = createServer((_, response) => {
      response.setHeader('content-type', 'application/x-ns-proxy-autoconfig').end(this.script);
    });
    server.listen(this.#port, '127.0.0.1');
    await once(server, 'listening');
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  /** Ends it at once; its port refuses connections. */
  async kill(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

/** A script that answers this, whatever it is asked for. */
export const answering = (answer: string): string =>
  `function FindProxyForURL(url, host) { return ${JSON.stringify(answer)} }`;

/** How a script names a proxy of this URL. */
export const entry = (url: string): string => `PROXY ${new URL(url).host}`;
