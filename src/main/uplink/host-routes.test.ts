import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { because } from '../../../test/support/reason.ts';
import { FakeClock } from '../agent/testing/fake-clock.ts';
import { ensurePaths, resolvePaths } from '../host/paths.ts';
import { openHostRoutes, type HostRoutesOptions } from './host-routes.ts';
import type { ProxyCandidate } from './proxy/candidate.ts';
import { writeProxyCredentials } from './proxy/proxy-credentials.ts';
import { DEBOUNCE_MS, POLL_MS } from '../host/watch-content.ts';
import { recordingLog } from './testing/recording-log.ts';
import { Trust } from './trust.ts';

/*
 * The routes of a host as service and tools get them: whatever they are made from has to have a say, and each of these
 * fails where one part is left out. The DNS of WPAD alone is a double.
 */

const PLATFORM = new URL('https://platform.example.net/CloudAgent/');
const SCRIPT = 'function FindProxyForURL() { return "PROXY office:8080" }';
const OFFICE = { protocol: 'http', host: 'office', port: 8080 };

let root: string;
let server: Server;
let requests: string[];
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'wf-routes-'));
  requests = [];
  server = createServer((request, response) => {
    requests.push(request.url ?? '');
    response.end(SCRIPT);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
  rmSync(root, { recursive: true, force: true });
});

const port = (): number => (server.address() as AddressInfo).port;

/** The routes below a root of the test's own, with these lines as settings. */
function routesOf(lines: readonly string[], changes: Partial<HostRoutesOptions> = {}) {
  const { platform = 'linux' } = changes;
  const paths = resolvePaths(platform, root, {});
  const clock = new FakeClock();
  const { log, lines: logged } = recordingLog();
  ensurePaths(paths);
  const [file = ''] = paths.proxy.files;
  const put = (text: readonly string[]): void => {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text.join('\n'));
  };
  put(lines);
  const routes = openHostRoutes({
    paths,
    platform,
    environment: {},
    uid: 0,
    moved: true,
    clock,
    random: { next: () => 0 },
    log,
    trust: new Trust(undefined),
    profile: () => ({ wpadEnabled: false, proxyFailOpen: true }),
    suffixes: () => Promise.resolve(['example.com']),
    discovery: {
      askDns: (host) =>
        Promise.resolve(host === 'wpad.example.com' ? [{ address: '127.0.0.1', family: 4 }] : []),
      port: port(),
    },
    ...changes,
  });
  return { routes, clock, logged, put };
}

const pacAt = (path: string): string => `wayfarer_proxy_pac=http://127.0.0.1:${port()}${path}`;

describe('the routes of a host', () => {
  it('R246 name the proxies of WPAD where the profile allows it, and look again after a change of the network', async () => {
    const { routes } = routesOf([], { profile: () => ({ wpadEnabled: true, proxyFailOpen: true }) });
    const found = { candidates: [{ ...OFFICE, source: 'WPAD' }, 'direct'], problems: [] };
    expect(await routes.resolver.resolve(PLATFORM)).toEqual(found);
    expect(await routes.resolver.resolve(PLATFORM)).toEqual(found);
    expect(requests).toEqual(['/wpad.dat']);
    routes.refresh();
    expect(await routes.resolver.resolve(PLATFORM)).toEqual(found);
    expect(requests).toEqual(['/wpad.dat', '/wpad.dat']);
  });

  it('ask no network for proxies unless the profile or a setting says so', async () => {
    const { routes } = routesOf([]);
    expect(await routes.resolver.resolve(PLATFORM)).toEqual({ candidates: ['direct'], problems: [] });
    expect(requests).toEqual([]);
  });

  it('name the proxies of the PAC file, fetched once, and again after a change of the network', async () => {
    const { routes } = routesOf([pacAt('/agent.pac'), 'wayfarer_proxy_fail_open=off']);
    const found = { candidates: [{ ...OFFICE, source: 'PAC' }], problems: [] };
    expect(await routes.resolver.resolve(PLATFORM)).toEqual(found);
    expect(await routes.resolver.resolve(PLATFORM)).toEqual(found);
    expect(requests).toEqual(['/agent.pac']);
    routes.refresh();
    expect(await routes.resolver.resolve(PLATFORM)).toEqual(found);
    expect(requests).toEqual(['/agent.pac', '/agent.pac']);
  });

  const onMac = process.platform === 'darwin' ? 'scutil is here, and answers' : undefined;
  it.skipIf(onMac !== undefined)(
    `R243 ask macOS for its proxies, which says here that it has no scutil${because(onMac)}`,
    async () => {
      const { problems } = await routesOf([], { platform: 'darwin' }).routes.resolver.resolve(PLATFORM);
      expect(problems).toEqual([
        {
          setting: 'proxy',
          source: "the system's settings",
          reason: expect.stringContaining('scutil') as string,
        },
      ]);
      const off = routesOf(['wayfarer_proxy_system=off'], { platform: 'darwin' });
      expect(await off.routes.resolver.resolve(PLATFORM)).toMatchObject({ problems: [] });
    },
  );

  it('have Negotiate of the security library for this system, or the reason why there is none', async () => {
    const { routes } = routesOf([], { platform: 'freebsd' });
    const handshake = routes.access.negotiate?.('proxy.example');
    await expect(handshake?.step()).rejects.toThrow('no GSSAPI library is known for freebsd');
  });

  it('R265 have the stored credentials for a proxy of the PAC file, and none for one that the network named', async () => {
    const { routes } = routesOf([]);
    const credentials = { username: 'roamer', password: 'pä@ss;&%' };
    await writeProxyCredentials(await routes.secrets(), credentials);
    const from = (source: ProxyCandidate['source']): ProxyCandidate => ({
      protocol: 'http',
      host: 'office',
      port: 8080,
      source,
    });
    expect(await routes.access.credentials(from('PAC'))).toEqual(credentials);
    expect(await routes.access.credentials(from('WPAD'))).toBeUndefined();
  });

  it('R258 log the settings when they are watched, and again with every change, which they tell', () => {
    const { routes, clock, logged, put } = routesOf(['wayfarer_https_proxy=http://first:3128']);
    let changes = 0;
    const end = routes.watch(() => (changes += 1));
    put(['wayfarer_https_proxy=http://second:3128']);
    clock.jumpTo(clock.now() + POLL_MS + DEBOUNCE_MS);
    end();
    expect(changes).toBe(1);
    expect(logged).toEqual([
      expect.stringMatching(/^info: Proxy settings: .*first:3128/),
      expect.stringMatching(/^info: Proxy settings: .*second:3128/),
    ]);
    put(['wayfarer_https_proxy=http://third:3128']);
    clock.jumpTo(clock.now() + POLL_MS + DEBOUNCE_MS);
    expect(changes).toBe(1);
  });
});
