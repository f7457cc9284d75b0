import { systemClock, systemRandom } from '../clock.ts';
import { ensureDirectory } from '../host/atomic-file.ts';
import type { Paths } from '../host/paths.ts';
import { rootDirectory } from '../host/root.ts';
import type { SecretStore } from '../host/secrets/secret-store.ts';
import { openHostRoutes, type HostRoutes, type HostRoutesOptions } from '../uplink/host-routes.ts';
import { openProxySettings } from '../uplink/proxy/open-settings.ts';
import { applyProxyChange, type ProxyChange } from '../uplink/proxy/proxy-change.ts';
import {
  interpretProxySettings,
  type ProxySettings,
  type ProxySettingsSource,
} from '../uplink/proxy/proxy-settings.ts';
import { Trust } from '../uplink/trust.ts';

/** The proxy settings of this host as the tools work with them: with the agent or without it. */
export interface ProxyHost {
  readonly source: ProxySettingsSource;
  readonly settings: () => ProxySettings;
  readonly secrets: () => Promise<SecretStore>;
  /** Makes a change, as `applyProxyChange`; also before the agent ever ran. */
  readonly change: (change: ProxyChange) => Promise<void>;
}

/** Opens the settings; the store of secrets is opened when it is first needed. */
export function openProxyHost(paths: Paths): ProxyHost {
  const source = openProxySettings(paths.proxy, process.platform);
  const secrets = (): Promise<SecretStore> => routesOf(paths, new Trust()).secrets();
  return {
    source,
    settings: () => interpretProxySettings(source.read(), process.platform),
    secrets,
    change: async (change) => {
      source.checkWritable();
      // With the rights that the agent gives it: secrets go below it.
      if (typeof change.credentials === 'object') ensureDirectory(paths.dataDir, 0o700);
      await applyProxyChange(change, source, secrets);
    },
  };
}

/** What stands in for the profile where no agent can be asked for its own: the defaults. */
const DEFAULT_PROFILE = { wpadEnabled: false, proxyFailOpen: true };

/** The routes as the agent itself has them, for a tool that tries them. */
export function routesOf(
  paths: Paths,
  trust: Trust,
  suffixes: HostRoutesOptions['suffixes'] = () => Promise.resolve([]),
): HostRoutes {
  return openHostRoutes({
    paths,
    platform: process.platform,
    environment: process.env,
    uid: process.geteuid?.(),
    moved: rootDirectory(process.env) !== undefined,
    clock: systemClock,
    random: systemRandom,
    log: { debug: () => undefined, info: () => undefined, warn: () => undefined },
    trust,
    profile: () => DEFAULT_PROFILE,
    suffixes,
  });
}
