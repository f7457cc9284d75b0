import type { HostFacts } from '../../shared/wire.ts';
import { readHostFacts } from '../host/host-facts.ts';
import type { NetworkMonitor } from '../host/network/network.ts';
import { PlatformApi } from '../uplink/api.ts';
import { PlatformClient, type Caller } from '../uplink/client.ts';
import type { RouteResolver } from '../uplink/proxy/candidate.ts';
import { Trust } from '../uplink/trust.ts';
import type { PlatformPort } from './context.ts';
import type { CoreOptions } from './open-core.ts';

/** A way to the platform: its endpoints, and what the client knows of the connection. */
export interface Connection {
  readonly platform: PlatformPort;
  readonly client: Pick<PlatformClient, 'clockOffsetSec' | 'route' | 'close' | 'reset'>;
  /** Why the settings allow no connection, if they don't. */
  readonly problem?: string | undefined;
}

/** What stands outside the data directory. Tests put doubles in its place. */
export interface World {
  readonly readHost: () => Promise<HostFacts>;
  readonly connect: (options: CoreOptions, caller: () => Caller) => Connection;
  readonly openNetwork: (options: CoreOptions) => NetworkMonitor;
  /** Calls back when the proxy settings have changed; returns what ends it. */
  readonly watchProxies: (options: CoreOptions, changed: () => void) => () => void;
}

export const theWorld: World = {
  readHost: readHostFacts,
  connect: connectOverHttp,
  // Until host/network and uplink/proxy bring theirs: nothing is watched, an attempt tells.
  openNetwork: () => ({
    state: () =>
      Promise.resolve({ online: true, metered: 'unknown', addresses: [], gateways: [], dnsSuffixes: [] }),
    start: () => undefined,
    stop: () => Promise.resolve(),
  }),
  watchProxies: () => () => undefined,
};

function connectOverHttp({ settings, clock, log }: CoreOptions, caller: () => Caller): Connection {
  const trust = new Trust(settings.caFile);
  let issuer: string | undefined;
  const client = new PlatformClient({
    base: settings.webServiceUri ?? 'https://not-configured.invalid/',
    resolver: directOnly,
    access: { credentials: () => Promise.resolve(undefined) },
    trust,
    timeoutSec: () => 60,
    now: clock.now,
    log,
    knownIssuer: { get: () => issuer, set: (next) => (issuer = next) },
  });
  return { platform: new PlatformApi(client, caller), client, problem: trust.problem() };
}

const directOnly: RouteResolver = {
  resolve: () => Promise.resolve({ candidates: ['direct'], problems: [] }),
};
