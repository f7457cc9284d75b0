import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

/**
 * A TCP relay of our own that makes a line bad in ways that packets can't: bytes that come late, a line that stands still
 * while connected, connections that break in the middle.
 */
export class StallingRelay {
  readonly #server: Server;
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  /** Milliseconds that every piece waits, in each direction. */
  delayMs = 0;
  #host = '';

  constructor(target: { readonly host: string; readonly port: number }) {
    this.#server = createServer((near) => {
      const far = connect(target);
      const pair = [near, far] as const;
      this.#pairs.add(pair);
      this.#pass(near, far);
      this.#pass(far, near);
      for (const socket of pair) {
        socket.on('error', () => undefined);
        socket.on('close', () => {
          this.#pairs.delete(pair);
          near.destroy();
          far.destroy();
        });
      }
    });
  }

  async listen(host: string): Promise<void> {
    this.#host = host;
    await new Promise<void>((resolve) => this.#server.listen(0, host, resolve));
  }

  get address(): { host: string; port: number } {
    return { host: this.#host, port: (this.#server.address() as AddressInfo).port };
  }

  /** What is open stands still from now on; what comes later flows. */
  stall(): void {
    for (const socket of [...this.#pairs].flat()) socket.pause();
  }

  /** Breaks what is open. */
  break(): void {
    for (const socket of [...this.#pairs].flat()) socket.resetAndDestroy();
  }

  close(): Promise<void> {
    this.break();
    return new Promise((resolve) => {
      this.#server.close(() => {
        resolve();
      });
    });
  }

  /** Passes everything on in its order: what came while pieces were late waits behind them. */
  #pass(from: Socket, to: Socket): void {
    let line = Promise.resolve();
    const pass = (act: () => void): void => {
      const due = performance.now() + this.delayMs;
      line = line.then(async () => {
        const waitMs = due - performance.now();
        if (waitMs > 0) await pause(waitMs);
        act();
      });
    };
    from.on('data', (piece) => {
      pass(() => to.write(piece));
    });
    from.on('end', () => {
      pass(() => to.end());
    });
  }
}
