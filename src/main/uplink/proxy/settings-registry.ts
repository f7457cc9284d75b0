import { allOrNothing, type Step } from './all-or-nothing.ts';
import type { ProxyProblem } from './candidate.ts';
import {
  PROXY_SETTINGS,
  type GivenProxySetting,
  type ProxySettingName,
  type ProxySettingsSource,
} from './proxy-settings.ts';
import type { RegistryKey } from '../../host/registry.ts';

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
      allOrNothing(
        [...changes].flatMap(([name, value]) =>
          name === 'systemUrl' ? [] : [replacing(key, VALUES[name], value)],
        ),
      );
    },
  };
}

function replacing(key: RegistryKey, name: string, value: string | undefined): Step {
  const before = textOf(key, name);
  return {
    make: () => {
      put(key, name, value);
    },
    undo: () => {
      put(key, name, before);
    },
  };
}

/** A value as a text: a number comes back as one, which means the same. One of a type that is not read can't come back. */
function textOf(key: RegistryKey, name: string): string | undefined {
  try {
    return key.get(name)?.toString();
  } catch {
    return undefined;
  }
}

function put(key: RegistryKey, name: string, value: string | undefined): void {
  if (value === undefined) key.remove(name);
  else key.set(name, value);
}
