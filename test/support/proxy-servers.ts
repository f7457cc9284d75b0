import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Running } from './run.ts';
import { until } from './until.ts';

/** How a proxy of a test is set up. */
export interface ProxySetup {
  /** Address to listen on; loopback unless given. */
  readonly host?: string;
  /** Free unless given. */
  readonly port?: number;
  /** Asks for Basic credentials when given. No quotes or line breaks in them; for tinyproxy letters and digits alone. */
  readonly credentials?: { readonly username: string; readonly password: string };
  /** Lines of squid's configuration about another way to authenticate. */
  readonly authentication?: readonly string[];
}

/** What kind of proxy: its program, arguments and files. */
type Layout = (
  dir: string,
  setup: { host: string; port: number } & ProxySetup,
) => { readonly program: string; readonly args: readonly string[] };

/** A real proxy of Debian's, in a directory of its own. It can be killed, started again on its port, and held still. */
export class ProxyServer {
  readonly #layout: Layout;
  readonly #dir: string;
  readonly #setup: { host: string; port: number } & ProxySetup;
  #running: Running | undefined;

  private constructor(layout: Layout, setup: { host: string; port: number } & ProxySetup) {
    this.#layout = layout;
    this.#setup = setup;
    this.#dir = mkdtempSync(join(tmpdir(), 'wf-proxy-'));
    // squid gives up root's rights by itself.
    chmodSync(this.#dir, 0o777);
  }

  static squid(setup: ProxySetup = {}): Promise<ProxyServer> {
    return ProxyServer.#open(squid, setup);
  }

  static tinyproxy(setup: ProxySetup = {}): Promise<ProxyServer> {
    return ProxyServer.#open(tinyproxy, setup);
  }

  static async #open(layout: Layout, { host = '127.0.0.1', ...setup }: ProxySetup): Promise<ProxyServer> {
    const proxy = new ProxyServer(layout, { ...setup, host, port: setup.port ?? (await freePort(host)) });
    await proxy.start();
    return proxy;
  }

  get url(): string {
    return `http://${this.#setup.host}:${String(this.#setup.port)}`;
  }

  /** What it wrote to stderr: for the message of a test that failed. */
  get stderr(): string {
    return this.#running?.stderr ?? '';
  }

  /** Starts it on the port that it has; resolves once it takes connections. */
  async start(): Promise<void> {
    const { program, args } = this.#layout(this.#dir, this.#setup);
    const running = new Running(program, args, { cwd: this.#dir });
    this.#running = running;
    await until(`${program} takes connections`, () => reachable(this.#setup), 20_000).catch(
      (error: unknown) => {
        throw new Error(`${program} does not start: ${running.stderr}`, { cause: error });
      },
    );
  }

  /** Ends it at once: connections through it break. */
  async kill(): Promise<void> {
    await this.#running?.end('SIGKILL');
  }

  /** Holds it still: connections are taken by the kernel and never answered. */
  stall(): void {
    this.#running?.signal('SIGSTOP');
  }

  resume(): void {
    this.#running?.signal('SIGCONT');
  }

  async close(): Promise<void> {
    await this.kill();
    rmSync(this.#dir, { recursive: true, force: true });
  }
}

const squid: Layout = (dir, { host, port, credentials, authentication }) => {
  const file = join(dir, 'squid.conf');
  const passwords = join(dir, 'passwords');
  if (credentials !== undefined) {
    writeFileSync(passwords, `${escaped(credentials.username)} ${escaped(credentials.password)}\n`);
    writeFileSync(
      join(dir, 'helper'),
      // The protocol of squid's Basic helpers: a line "user password", escaped, and OK or ERR.
      `#!/bin/sh\nwhile read line; do if grep -qxF "$line" '${passwords}'; then echo OK; else echo ERR; fi; done\n`,
      { mode: 0o755 },
    );
  }
  writeFileSync(
    file,
    [
      `http_port ${host}:${String(port)}`,
      `pid_filename ${join(dir, 'squid.pid')}`,
      'access_log none',
      'cache_log /dev/stderr',
      'cache deny all',
      'shutdown_lifetime 0 seconds',
      'visible_hostname proxy.test',
      ...(credentials === undefined
        ? []
        : [`auth_param basic program ${join(dir, 'helper')}`, 'auth_param basic realm test']),
      ...(authentication ?? []),
      ...(credentials === undefined && authentication === undefined
        ? ['http_access allow all']
        : ['acl known proxy_auth REQUIRED', 'http_access allow known', 'http_access deny all']),
    ].join('\n') + '\n',
  );
  return { program: 'squid', args: ['-N', '-f', file] };
};

/** A text as squid hands it to a helper (rfc1738_escape): what is unsafe in a URL and all beyond ASCII, byte by byte. */
const escaped = (text: string): string =>
  [...Buffer.from(text)]
    .map((byte) => {
      const char = String.fromCharCode(byte);
      const plain = byte > 0x20 && byte < 0x7f && !'<>"#%{}|\\^~[]`\''.includes(char);
      return plain ? char : `%${byte.toString(16).padStart(2, '0').toUpperCase()}`;
    })
    .join('');

const tinyproxy: Layout = (dir, { host, port, credentials }) => {
  const file = join(dir, 'tinyproxy.conf');
  writeFileSync(
    file,
    [
      `Listen ${host}`,
      `Port ${String(port)}`,
      'Timeout 60',
      'MaxClients 50',
      'LogLevel Critical',
      ...(credentials === undefined ? [] : [`BasicAuth ${credentials.username} ${credentials.password}`]),
    ].join('\n') + '\n',
  );
  return { program: 'tinyproxy', args: ['-d', '-c', file] };
};

async function freePort(host: string): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function reachable({ host, port }: { host: string; port: number }): Promise<true | undefined> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port }, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', reject);
  });
}
