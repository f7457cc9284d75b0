import type { ProxyPlaces } from '../../host/paths.ts';
import type { ProxySettingsSource } from './proxy-settings.ts';
import { loadRegistryApi, openRegistryKey } from '../../host/registry.ts';
import { fileSettings } from './settings-files.ts';
import { registrySettings } from './settings-registry.ts';

/** The proxy settings of this host: the registry on Windows (R244), files elsewhere (R245). Throws where koffi can't load. */
export function openProxySettings(places: ProxyPlaces, platform: NodeJS.Platform): ProxySettingsSource {
  if (platform !== 'win32') return fileSettings(places);
  return registrySettings(openRegistryKey(loadRegistryApi(), places.registryKey), places.registryKey);
}
