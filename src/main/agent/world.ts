import type { Profile } from '../../shared/profile.ts';
import type { HostFacts } from '../../shared/wire.ts';
import { readHostFacts } from '../host/host-facts.ts';
import { openLocalTime, type LocalTime } from '../host/local-time.ts';
import type { NetworkMonitor } from '../host/network/network.ts';
import { openNetworkMonitor } from '../host/network/open.ts';
import { powerReader } from '../host/power/open.ts';
import type { ReadPower } from '../host/power/power.ts';
import { rootDirectory } from '../host/root.ts';
import { openScanKeys } from '../host/scan-keys/open.ts';
import type { ScanKeys } from '../host/scan-keys/scan-keys.ts';
import { PlatformApi } from '../uplink/api.ts';
import { PlatformClient, type Caller, type ClientOptions } from '../uplink/client.ts';
import { openHostRoutes } from '../uplink/host-routes.ts';
import { Trust } from '../uplink/trust.ts';
import type { PlatformPort } from './context.ts';
import type { CoreOptions } from './core-options.ts';
import type { Around } from './surroundings.ts';

/** What a connection asks of the core, each time it needs it. */
export interface ConnectPorts {
  readonly caller: () => Caller;
  readonly profile: () => Profile;
  /** DNS suffixes of the networks that the host is in. */
  readonly suffixes: () => Promise<readonly string[]>;
  readonly knownIssuer: ClientOptions['knownIssuer'];
  readonly onRoutes: NonNullable<ClientOptions['onRoutes']>;
}

/** A way to the platform: its endpoints, and what the client knows of the connection. */
export interface Connection {
  readonly platform: PlatformPort;
  readonly client: Pick<PlatformClient, 'clockOffsetSec' | 'route' | 'lastAttempts' | 'close'>;
  /** Ends open connections and has proxy scripts asked anew: for another network, or other settings. */
  readonly reconnect: () => void;
  readonly watchSettings: Around['watchSettings'];
  /** Why the CA file is of no use now, if it isn't. */
  readonly caFileProblem: () => string | undefined;
}

/** What stands outside the data directory. Tests put doubles in its place. */
export interface World {
  readonly readHost: () => Promise<HostFacts>;
  readonly connect: (options: CoreOptions, ports: ConnectPorts) => Connection;
  readonly openNetwork: (options: CoreOptions) => NetworkMonitor;
  readonly openLocalTime: (options: CoreOptions) => LocalTime;
  readonly readPower: ReadPower;
  readonly openScanKeys: (options: CoreOptions) => ScanKeys;
}

export const theWorld: World = {
  readHost: readHostFacts,
  connect: connectOverHttp,
  openNetwork: ({ clock }) =>
    openNetworkMonitor({ clock, systemBus: process.env['DBUS_SYSTEM_BUS_ADDRESS'] }),
  openLocalTime: ({ clock }) => openLocalTime(process.env, clock.now),
  readPower: powerReader(),
  openScanKeys: ({ paths, clock }) => openScanKeys(paths.scanKeys, process.platform, clock),
};

function connectOverHttp(options: CoreOptions, ports: ConnectPorts): Connection {
  const { settings, clock, log, paths, random } = options;
  const { caller, profile, suffixes, knownIssuer, onRoutes } = ports;
  const trust = new Trust(settings.caFile);
  if (trust.usesBundled()) {
    log.warn(
      "the system's trust store is empty: the CAs that come with Node count in its place; set CaFile for others",
    );
  }
  const routes = openHostRoutes({
    paths,
    platform: process.platform,
    environment: process.env,
    uid: process.geteuid?.(),
    moved: rootDirectory(process.env) !== undefined,
    clock,
    random,
    log,
    trust,
    profile,
    suffixes,
  });
  const client = new PlatformClient({
    base: settings.webServiceUri ?? 'https://not-configured.invalid/',
    resolver: routes.resolver,
    access: routes.access,
    trust,
    timeoutSec: () => profile().requestTimeoutSec,
    now: clock.now,
    log,
    knownIssuer,
    onRoutes,
  });
  return {
    platform: new PlatformApi(client, caller),
    client,
    reconnect: () => {
      routes.refresh();
      client.reset();
    },
    watchSettings: (changed) => {
      const endRoutes = routes.watch(() => {
        changed('the proxy settings changed');
      });
      const endTrust = trust.watch(() => {
        changed('the certificates that are trusted changed');
      });
      return () => {
        endRoutes();
        endTrust();
      };
    },
    caFileProblem: () => trust.problem(),
  };
}
