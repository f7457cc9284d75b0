import type { HostFacts } from '../../shared/wire.ts';
import { readHostFacts } from '../host/host-facts.ts';
import type { NetworkMonitor } from '../host/network/network.ts';
import type { Settings } from '../host/settings.ts';
import { PlatformApi } from '../uplink/api.ts';
import { PlatformClient, type Caller } from '../uplink/client.ts';
import { DirectTransport, type Transport } from '../uplink/transport.ts';
import type { PlatformPort } from './context.ts';
import type { CoreOptions } from './open-core.ts';

/** A way to the platform: its endpoints, and what the client knows of the connection. */
export interface Connection {
  readonly platform: PlatformPort;
  readonly client: Pick<PlatformClient, 'clockOffsetSec' | 'route' | 'close'> & {
    readonly reset: () => void;
  };
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
  const { transport, problem } = openTransport(settings);
  const base = settings.webServiceUri ?? 'https://not-configured.invalid/';
  const client = new PlatformClient({ base, transport, now: clock.now, log });
  const reset = (): void => undefined;
  return { platform: new PlatformApi(client, caller), client: Object.assign(client, { reset }), problem };
}

function openTransport(settings: Settings): { transport: Transport; problem?: string } {
  try {
    const timeoutSec = 60;
    return {
      transport: new DirectTransport({
        timeoutSec,
        ...(settings.caFile !== undefined && { caFile: settings.caFile }),
      }),
    };
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    return { transport: new DirectTransport({ timeoutSec: 60 }), problem };
  }
}
