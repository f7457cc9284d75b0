import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, request, Agent, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { filesOf } from '../../src/platform/paths.ts';

/** One exchange that went through: bodies in bytes, headers not counted. */
export interface Exchange {
  readonly method: string;
  /** Last part of the path that names what it is for: `status`, `uploads`, `chunks`, `commit`. */
  readonly purpose: string;
  readonly requestBytes: number;
  readonly replyBytes: number;
}

/**
 * Stands between agent and platform on loopback, with the platform's own certificate, and writes down how large the
 * bodies are. Signatures pass: they do not cover the authority.
 */
export class CountingRelay {
  readonly exchanges: Exchange[] = [];
  readonly #server: Server;
  readonly #target: URL;
  readonly #agent: Agent;

  constructor(platformUrl: string, platformDir: string) {
    const files = filesOf(platformDir);
    this.#target = new URL(platformUrl);
    this.#agent = new Agent({ keepAlive: true, ca: readFileSync(files.caCertificate) });
    this.#server = createServer(
      { cert: readFileSync(files.certificate), key: readFileSync(files.key) },
      (incoming, outgoing) => {
        this.#relay(incoming, outgoing).catch(() => outgoing.destroy());
      },
    );
  }

  /** Starts to listen; resolves with the URL to give to the agent. */
  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    const { port } = this.#server.address() as AddressInfo;
    return `https://127.0.0.1:${String(port)}${this.#target.pathname}`;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
    this.#agent.destroy();
  }

  async #relay(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const body = await bytesOf(incoming);
    const reply = await new Promise<IncomingMessage>((resolve, reject) => {
      const { hostname, port } = this.#target;
      const { method, url, headers } = incoming;
      request({ hostname, port, method, path: url, headers, agent: this.#agent }, resolve)
        .on('error', reject)
        .end(body);
    });
    const answer = await bytesOf(reply);
    this.exchanges.push({
      method: incoming.method ?? '',
      purpose: purposeOf(incoming.url ?? ''),
      requestBytes: body.length,
      replyBytes: answer.length,
    });
    outgoing.writeHead(reply.statusCode ?? 502, reply.headers).end(answer);
  }
}

function purposeOf(path: string): string {
  const parts = path.split('/').filter((part) => part !== '' && !/^[0-9a-f-]{36}$|^\d+$/.test(part));
  return parts.at(-1) ?? '';
}

async function bytesOf(message: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of message as AsyncIterable<Buffer>) parts.push(part);
  return Buffer.concat(parts);
}
