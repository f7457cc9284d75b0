import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A hotel's sign-in page: takes every name and answers everything with 200 and HTML, under a certificate of its own. */
export class LyingPortal {
  readonly #server: Server;
  requests = 0;

  /** `certificate` and `key` in PEM; its own, which nobody trusts, unless given. */
  constructor(tls: { readonly cert: string | Buffer; readonly key: string | Buffer } = ownCertificate()) {
    this.#server = createServer(tls, (request, response) => {
      this.requests += 1;
      request.resume();
      response.writeHead(200, { 'content-type': 'text/html' });
      response.end('<html><body>Welcome! Please sign in to use this network.</body></html>');
    });
    // A client that does not trust it breaks off the handshake.
    this.#server.on('tlsClientError', () => undefined);
  }

  listen(host: string, port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject).listen(port, host, resolve);
    });
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => {
        resolve();
      });
      this.#server.closeAllConnections();
    });
  }
}

function ownCertificate(): { cert: Buffer; key: Buffer } {
  const dir = mkdtempSync(join(tmpdir(), 'wf-portal-'));
  const [cert, key] = [join(dir, 'cert.pem'), join(dir, 'key.pem')];
  execFileSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'],
      ...['-subj', '/CN=portal.hotel.example', '-out', cert, '-keyout', key],
    ],
    { stdio: 'ignore' },
  );
  const pair = { cert: readFileSync(cert), key: readFileSync(key) };
  rmSync(dir, { recursive: true });
  return pair;
}
