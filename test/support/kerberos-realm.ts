import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Running } from './run.ts';
import { until } from './until.ts';

export const REALM = 'WAYFARER.TEST';

/** A Kerberos realm with a KDC of Debian's (krb5-kdc) on loopback, in a directory of its own. */
export class KerberosRealm {
  readonly #dir = mkdtempSync(join(tmpdir(), 'wf-krb5-'));
  readonly #port: number;
  #kdc: Running | undefined;

  private constructor(port: number) {
    this.#port = port;
  }

  static async open(): Promise<KerberosRealm> {
    const realm = new KerberosRealm(await freePort());
    realm.#configure();
    await realm.start();
    return realm;
  }

  /** What a program needs to be in the realm, and in no other. No replay cache: it would be a file in /var/tmp. */
  get environment(): Readonly<Record<string, string>> {
    return {
      KRB5_CONFIG: join(this.#dir, 'krb5.conf'),
      KRB5_KDC_PROFILE: join(this.#dir, 'kdc.conf'),
      KRB5RCACHENAME: 'none:',
    };
  }

  /** Adds a principal with a random key and gives the keytab that holds it; everyone may read it. */
  keytab(principal: string): string {
    const file = join(this.#dir, `${principal.replaceAll('/', '-')}.keytab`);
    this.#administer(`addprinc -randkey ${principal}`);
    this.#administer(`ktadd -k ${file} ${principal}`);
    chmodSync(file, 0o644);
    return file;
  }

  /** Starts the KDC; resolves once it takes connections. */
  async start(): Promise<void> {
    const kdc = new Running('krb5kdc', ['-n', '-r', REALM], { env: this.#environment(), cwd: this.#dir });
    this.#kdc = kdc;
    await until('the KDC takes connections', () => reachable(this.#port), 20_000);
  }

  /** Ends the KDC: connections are refused. */
  async stop(): Promise<void> {
    await this.#kdc?.end('SIGKILL');
  }

  /** Holds the KDC still: connections are taken by the kernel and never answered. */
  stall(): void {
    this.#kdc?.signal('SIGSTOP');
  }

  /** What the KDC was asked for and by whom. */
  get log(): string {
    return readFileSync(join(this.#dir, 'kdc.log'), 'utf8');
  }

  async close(): Promise<void> {
    await this.stop();
    rmSync(this.#dir, { recursive: true, force: true });
  }

  #environment(): NodeJS.ProcessEnv {
    return { ...process.env, ...this.environment };
  }

  #administer(query: string): void {
    execFileSync('kadmin.local', ['-r', REALM, '-q', query], { env: this.#environment(), stdio: 'pipe' });
  }

  #configure(): void {
    const address = `127.0.0.1:${String(this.#port)}`;
    chmodSync(this.#dir, 0o755);
    writeFileSync(
      join(this.#dir, 'krb5.conf'),
      `[libdefaults]
 default_realm = ${REALM}
 rdns = false
 dns_canonicalize_hostname = false
 dns_lookup_kdc = false
 dns_lookup_realm = false
 udp_preference_limit = 1
[realms]
 ${REALM} = {
  kdc = ${address}
 }
`,
    );
    writeFileSync(
      join(this.#dir, 'kdc.conf'),
      `[kdcdefaults]
 kdc_listen = ${address}
 kdc_tcp_listen = ${address}
[realms]
 ${REALM} = {
  database_name = ${join(this.#dir, 'principal')}
  key_stash_file = ${join(this.#dir, 'stash')}
  acl_file = ${join(this.#dir, 'acl')}
 }
[logging]
 kdc = FILE:${join(this.#dir, 'kdc.log')}
`,
    );
    execFileSync('kdb5_util', ['create', '-s', '-r', REALM, '-P', 'master'], {
      env: this.#environment(),
      stdio: 'pipe',
    });
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function reachable(port: number): Promise<true | undefined> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port }, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', reject);
  });
}
