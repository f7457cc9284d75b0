import { ensureDirectory } from '../host/atomic-file.ts';
import type { Paths } from '../host/paths.ts';
import { rootDirectory } from '../host/root.ts';
import { openHostSecrets } from '../host/secrets/host-secrets.ts';
import type { SecretStore } from '../host/secrets/secret-store.ts';
import { openProxySettings } from '../uplink/proxy/open-settings.ts';
import { applyProxyChange, type ProxyChange } from '../uplink/proxy/proxy-change.ts';
import {
  interpretProxySettings,
  type ProxySettings,
  type ProxySettingsSource,
} from '../uplink/proxy/proxy-settings.ts';

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
  const secrets = (): Promise<SecretStore> =>
    openHostSecrets({
      paths,
      platform: process.platform,
      uid: process.geteuid?.(),
      environment: process.env,
      moved: rootDirectory(process.env) !== undefined,
      // The report names the store in use.
      warn: () => undefined,
    });
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
