import type { ProxyProblem } from './candidate.ts';
import {
  PROXY_SETTINGS,
  type GivenProxySetting,
  type ProxySettingName,
  type ProxySettingsSource,
} from './proxy-settings.ts';
import type { RegistryKey } from './registry.ts';

/** The values of the key, also for group policies and remote registry tools (R244). Windows has no `https_proxy`. */
const VALUES: Readonly<Record<Exclude<ProxySettingName, 'systemUrl'>, string>> = {
  urls: 'Url',
  pac: 'PacUrl',
  wpad: 'Wpad',
  system: 'System',
  order: 'Order',
  failOpen: 'FailOpen',
  noProxy: 'NoProxy',
};

/** Proxy settings in the registry of Windows. A switch may be a text (`on`, `off`) or a number (1, 0). */
export function registrySettings(key: RegistryKey, path: string): ProxySettingsSource {
  const place = `HKLM\\${path}`;
  return {
    place,
    read: () => {
      const given: Partial<Record<ProxySettingName, GivenProxySetting>> = {};
      const problems: ProxyProblem[] = [];
      for (const name of PROXY_SETTINGS) {
        if (name === 'systemUrl') continue;
        const setting = VALUES[name];
        try {
          const value = String(key.get(setting) ?? '').trim();
          if (value !== '') given[name] = { value, setting, source: place };
        } catch (error) {
          problems.push({ setting, source: place, reason: (error as Error).message });
        }
      }
      return { given, problems };
    },
    checkWritable: key.checkWritable,
    apply: (changes) => {
      for (const [name, value] of changes) {
        if (name === 'systemUrl') continue;
        if (value === undefined) key.remove(VALUES[name]);
        else key.set(VALUES[name], value);
      }
    },
  };
}
