import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createNegotiator } from '../../src/main/uplink/negotiate/create-negotiator.ts';
import { ProxyAuthentication } from '../../src/main/uplink/proxy-authentication.ts';
import type { ProxyCandidate } from '../../src/main/uplink/proxy/candidate.ts';
import { openTunnel } from '../../src/main/uplink/tunnel.ts';

/*
 * `negotiate-client.ts <proxy host> <proxy port> <target port> <tunnels>`: opens that many tunnels through the proxy, one
 * after another, and prints what came through each, or why there was none. In a process of its own, because the Kerberos
 * library reads the environment that the process was started with.
 */

/** What the client found. */
export interface ClientReport {
  readonly tunnels: readonly {
    readonly received?: string;
    readonly failure?: string;
    readonly elapsedMs: number;
  }[];
}

const [host = '', proxyPort, targetPort, count] = process.argv.slice(2);
const candidate: ProxyCandidate = { protocol: 'http', host, port: Number(proxyPort), source: 'configured' };
const negotiator = createNegotiator({
  platform: process.platform,
  uid: process.geteuid?.(),
  environment: process.env,
});
if ('unavailable' in negotiator) throw new Error(negotiator.unavailable);
const authentication = new ProxyAuthentication({
  credentials: () => Promise.resolve(undefined),
  negotiate: negotiator.negotiate,
});

// The name is Kerberos' business; the connection goes to loopback.
async function reach(): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port: candidate.port });
  await once(socket, 'connect');
  return socket;
}

async function received(): Promise<string> {
  const handshake = authentication.begin(candidate);
  try {
    const signal = AbortSignal.timeout(60_000);
    const socket = await openTunnel(
      reach,
      { host: '127.0.0.1', port: Number(targetPort) },
      handshake,
      signal,
    );
    const [bytes] = (await once(socket, 'data', { signal })) as [Buffer];
    socket.destroy();
    return bytes.toString();
  } finally {
    handshake.close();
  }
}

const tunnels: ClientReport['tunnels'][number][] = [];
for (let n = 0; n < Number(count); n++) {
  const begun = performance.now();
  const elapsedMs = (): number => performance.now() - begun;
  tunnels.push(
    await received().then(
      (text) => ({ received: text, elapsedMs: elapsedMs() }),
      (error: unknown) => ({
        failure: error instanceof Error ? error.message : String(error),
        elapsedMs: elapsedMs(),
      }),
    ),
  );
}
process.stdout.write(`${JSON.stringify({ tunnels } satisfies ClientReport)}\n`, () => process.exit());
