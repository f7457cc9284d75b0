import { existsSync, readdirSync } from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LoopReport } from '../support/handshake-loop.ts';
import { KerberosRealm, REALM } from '../support/kerberos-realm.ts';
import type { ClientReport } from '../support/negotiate-client.ts';
import { ProxyServer } from '../support/proxy-servers.ts';
import { because, noLinuxRoot, noProgram, unless, type Reason } from '../support/reason.ts';
import { runNode } from '../support/run.ts';

/*
 * Negotiate against a real KDC (MIT Kerberos) and a real proxy that asks for it (squid with its own helper), both on
 * loopback. Root, because its credentials are the ones that a service has.
 */

const HELPER = '/usr/lib/squid/negotiate_kerberos_auth';
const PACKAGES = 'krb5-kdc krb5-admin-server libgssapi-krb5-2 squid';
const missing: Reason =
  noLinuxRoot ??
  noProgram('krb5kdc', PACKAGES) ??
  noProgram('kadmin.local', PACKAGES) ??
  noProgram('squid', PACKAGES) ??
  unless(existsSync(HELPER), "squid's Kerberos helper", `apt-get install ${PACKAGES} && npm test`);

const HELLO = 'hello through the tunnel';

describe.skipIf(missing !== undefined)(`a proxy that asks for Negotiate${because(missing)}`, () => {
  let realm: KerberosRealm;
  let proxy: ProxyServer;
  let target: Server;
  let clientKeytab: string;
  let hostKeytab: string;

  beforeAll(async () => {
    realm = await KerberosRealm.open();
    clientKeytab = realm.keytab('agent');
    hostKeytab = realm.keytab('host/laptop.test');
    const service = realm.keytab('HTTP/localhost');
    const environment = Object.entries(realm.environment).map(([name, value]) => `${name}=${value}`);
    proxy = await ProxyServer.squid({
      authentication: [
        `auth_param negotiate program /usr/bin/env ${environment.join(' ')} ${HELPER} -k ${service} -s HTTP/localhost@${REALM}`,
        'auth_param negotiate children 2 startup=1',
      ],
    });
    target = createServer((socket) => socket.on('error', () => undefined).write(HELLO));
    await new Promise<void>((resolve) => target.listen(0, '127.0.0.1', resolve));
  });
  afterAll(async () => {
    target.close();
    await proxy.close();
    await realm.close();
  });

  /** Opens tunnels as root with these credentials in the environment. */
  async function client(
    credentials: Readonly<Record<string, string>>,
    { host = 'localhost', tunnels = 1 } = {},
  ): Promise<ClientReport['tunnels']> {
    const port = (target.address() as AddressInfo).port;
    const args = [host, new URL(proxy.url).port, String(port), String(tunnels)];
    const { stdout, stderr } = await runNode(['--no-warnings', 'test/support/negotiate-client.ts', ...args], {
      PATH: process.env['PATH'],
      ...realm.environment,
      ...credentials,
    });
    if (stdout === '') throw new Error(`no report: ${stderr}`);
    return (JSON.parse(stdout) as ClientReport).tunnels;
  }

  const nothing = { KRB5_CLIENT_KTNAME: 'FILE:/nonexistent', KRB5_KTNAME: 'FILE:/nonexistent' };
  const received = (tunnels: ClientReport['tunnels']): (string | undefined)[] =>
    tunnels.map((tunnel) => tunnel.received ?? tunnel.failure);

  it('lets the agent through with the client keytab of the service', async () => {
    const tunnels = await client({ ...nothing, KRB5_CLIENT_KTNAME: `FILE:${clientKeytab}` });
    expect(received(tunnels)).toEqual([HELLO]);
    expect(realm.log).toContain(`agent@${REALM} for HTTP/localhost@${REALM}`);
  });

  it("lets the agent through with the host's own keytab where there is no other", async () => {
    const tunnels = await client({ ...nothing, KRB5_KTNAME: `FILE:${hostKeytab}` });
    expect(received(tunnels)).toEqual([HELLO]);
    expect(realm.log).toContain(`host/laptop.test@${REALM} for HTTP/localhost@${REALM}`);
  });

  it('gets one ticket for many connections and leaves none on the disk', async () => {
    const files = (): string[] => readdirSync('/tmp').filter((name) => name.startsWith('krb5cc'));
    const [asked, before] = [realm.log.split('AS_REQ').length, files()];
    const tunnels = await client({ ...nothing, KRB5_CLIENT_KTNAME: `FILE:${clientKeytab}` }, { tunnels: 5 });
    expect(received(tunnels)).toEqual(Array(5).fill(HELLO));
    expect(realm.log.split('AS_REQ').length - asked).toBeLessThanOrEqual(2);
    expect(files()).toEqual(before);
  });

  it('is told apart: no ticket at all, no such service, no KDC', async () => {
    const [none] = await client(nothing);
    expect(none!.failure).toContain('no Kerberos ticket');
    expect(none!.failure).toContain('FILE:/nonexistent');

    const withKeytab = { ...nothing, KRB5_CLIENT_KTNAME: `FILE:${clientKeytab}` };
    const [unknown] = await client(withKeytab, { host: 'other.test' });
    // The library keeps the name of what was not found for the thread that asked: it may answer on another one.
    expect(unknown!.failure).toMatch(
      /no ticket for HTTP@other\.test: Server (\S+ )?not found in Kerberos database/,
    );

    await realm.stop();
    const [unreachable] = await client(withKeytab);
    expect(unreachable!.failure).toContain('Cannot contact any KDC');
    await realm.start();
  });

  it('costs 20 s at most when the KDC takes connections and never answers', async () => {
    realm.stall();
    const [stalled] = await client({ ...nothing, KRB5_CLIENT_KTNAME: `FILE:${clientKeytab}` });
    expect(stalled!.failure).toMatch(/no answer from the security library|Cannot contact any KDC/);
    expect(stalled!.elapsedMs).toBeLessThan(25_000);
    await realm.stop();
    await realm.start();
  });

  it.each([
    ['end with a token', 'localhost', 3_000],
    ['fail', 'other.test', 0],
  ])('costs no memory: 3,000 handshakes that %s', async (_, host, tokens) => {
    const { stdout, stderr } = await runNode(
      ['--no-warnings', '--expose-gc', 'test/support/handshake-loop.ts', host, '3000'],
      {
        PATH: process.env['PATH'],
        ...realm.environment,
        ...nothing,
        KRB5_CLIENT_KTNAME: `FILE:${clientKeytab}`,
      },
    );
    if (stdout === '') throw new Error(`no report: ${stderr}`);
    const report = JSON.parse(stdout) as LoopReport;
    expect(report.tokens).toBe(tokens);
    const grownKb = Math.round((report.bytesLate - report.bytesEarly) / 1024);
    console.log(
      `2,000 handshakes with ${host}: ${String(grownKb)} KB more, of ${String(report.bytesLate >> 20)} MB`,
    );
    // Contexts that are kept show as 5,600 KB here, credentials as 18,000 KB.
    expect(grownKb).toBeLessThan(2_500);
  });
});
