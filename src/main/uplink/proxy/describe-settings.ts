import { proxyUrl } from './candidate.ts';
import type { NamedProxy } from './proxy-list.ts';
import type { ProxySettingName, ProxySettings } from './proxy-settings.ts';
import { shownLocation, shownText } from './shown-text.ts';

/** Longest value that is shown, characters: a list of exceptions may be long. */
const MAX_SHOWN = 500;

/** The settings in force as `wayfarerctl proxy show --json` gives them; `null` leaves it to the profile. */
export interface ShownProxySettings {
  readonly proxies: readonly string[];
  readonly order: string;
  readonly pac: string | null;
  readonly wpad: boolean | null;
  readonly system: boolean;
  readonly systemProxies: readonly string[];
  readonly failOpen: boolean | null;
  readonly noProxy: string;
  /** Where each setting stands: `wayfarer_https_proxy in /etc/default/wayfarer-agent:3`. */
  readonly sources: Readonly<Record<string, string>>;
  readonly problems: readonly string[];
}

/** What may be shown of the settings; they hold no credentials. */
export function shownSettings(settings: ProxySettings): ShownProxySettings {
  return {
    proxies: settings.urls.map(namedUrl),
    order: settings.order,
    pac: settings.pac === undefined ? null : shownLocation(settings.pac),
    wpad: settings.wpad ?? null,
    system: settings.system,
    systemProxies: settings.systemUrls.map(namedUrl),
    failOpen: settings.failOpen ?? null,
    noProxy: shownText(settings.noProxy, MAX_SHOWN),
    sources: Object.fromEntries(
      Object.entries(settings.given).map(([name, given]) => [name, `${given.setting} in ${given.source}`]),
    ) satisfies Partial<Record<ProxySettingName, string>>,
    problems: settings.problems.map(
      (problem) => `${problem.setting} in ${problem.source}: ${shownText(problem.reason, MAX_SHOWN)}`,
    ),
  };
}

/** The settings in one line for the log, so that a change can be verified there (R258). */
export function settingsLine(settings: ProxySettings): string {
  const shown = shownSettings(settings);
  const byProfile = (value: boolean | null): string => (value === null ? 'by profile' : onOff(value));
  return [
    `Proxy settings: ${shown.proxies.join(', ') || 'no list'}${shown.order === 'random' ? ' in random order' : ''}`,
    `PAC ${shown.pac ?? 'none'}`,
    `WPAD ${byProfile(shown.wpad)}`,
    `system ${shown.system ? shown.systemProxies.join(', ') || 'on' : 'off'}`,
    `fail-open ${byProfile(shown.failOpen)}`,
    `without proxy ${shown.noProxy || 'nothing'}`,
  ].join('; ');
}

const onOff = (value: boolean): string => (value ? 'on' : 'off');
const namedUrl = (proxy: NamedProxy): string => proxyUrl({ ...proxy, source: 'configured' });
