import { posix, win32 } from 'node:path';
import type { ProxyProblem } from './candidate.ts';
import { parseProxyList, type NamedProxy } from './proxy-list.ts';
import { shownText } from './shown-text.ts';

/** Settings that decide about proxies, by their names in this program. */
export const PROXY_SETTINGS = [
  'urls',
  'pac',
  'wpad',
  'system',
  'order',
  'failOpen',
  'noProxy',
  'systemUrl',
] as const;
export type ProxySettingName = (typeof PROXY_SETTINGS)[number];

/** A setting's text, the name it has where it stands, and where that is. */
export interface GivenProxySetting {
  readonly value: string;
  readonly setting: string;
  readonly source: string;
}

/** The settings as they stand, before anything is checked. Empty values are left out: they say nothing. */
export interface RawProxySettings {
  readonly given: Readonly<Partial<Record<ProxySettingName, GivenProxySetting>>>;
  /** What could not be read. */
  readonly problems: readonly ProxyProblem[];
}

/** The order in which the proxies of the list are tried. */
export const PROXY_ORDERS = ['sequential', 'random'] as const;
export type ProxyOrder = (typeof PROXY_ORDERS)[number];

/** The proxy settings of this host. What isn't valid is left out and stands in `problems`. */
export interface ProxySettings {
  readonly urls: readonly NamedProxy[];
  /** URL or absolute path of a PAC file. */
  readonly pac?: string;
  /** Whether WPAD is asked; absent: the profile decides. */
  readonly wpad?: boolean;
  /** Whether the system's own proxy settings count. */
  readonly system: boolean;
  readonly order: ProxyOrder;
  /** Whether the direct way is tried after all proxies; absent: the profile decides. */
  readonly failOpen?: boolean;
  /** Hosts that are reached without a proxy, as `bypassesProxy` reads them. */
  readonly noProxy: string;
  /** The system's proxies where a file names them: `https_proxy` on Linux. */
  readonly systemUrls: readonly NamedProxy[];
  /** What is set, valid or not, with its name and place there. */
  readonly given: RawProxySettings['given'];
  readonly problems: readonly ProxyProblem[];
}

/** Where proxy settings are kept on one kind of system. Methods throw what the system says. */
export interface ProxySettingsSource {
  /** The place that `apply` writes to, for people. */
  readonly place: string;
  /** Reads everything afresh. Never throws: what can't be read is a problem. */
  readonly read: () => RawProxySettings;
  /** Throws, with the code EACCES where rights are missing, unless settings can be written. No setting changes. */
  readonly checkWritable: () => void;
  /** Sets (a text) and takes out (`undefined`) settings, everywhere they stand. When it throws, all are as before. */
  readonly apply: (changes: ProxySettingChanges) => void;
}

export type ProxySettingChanges = ReadonlyMap<ProxySettingName, string | undefined>;

/** Longest PAC location, characters. */
const MAX_PAC_LOCATION = 2048;

/** Longest part of a value that a message repeats, characters. */
const MAX_SHOWN = 60;

/** Checks what was read. */
export function interpretProxySettings(raw: RawProxySettings, platform: NodeJS.Platform): ProxySettings {
  const problems: ProxyProblem[] = [...raw.problems];
  const note = ({ setting, source }: GivenProxySetting, reason: string): void => {
    problems.push({ setting, source, reason });
  };
  const value = <T>(name: ProxySettingName, parse: (text: string) => T): T | undefined => {
    const given = raw.given[name];
    if (given === undefined) return undefined;
    try {
      return parse(given.value);
    } catch (error) {
      note(given, (error as Error).message);
      return undefined;
    }
  };
  const list = (name: ProxySettingName): readonly NamedProxy[] => {
    const given = raw.given[name];
    if (given === undefined) return [];
    const found = parseProxyList(given.value);
    if (found.problems.length > 0) note(given, found.problems.join('; '));
    return found.proxies;
  };
  const urls = list('urls');
  const pac = value('pac', (text) => parsePacLocation(text, platform));
  const wpad = value('wpad', parseSwitch);
  const failOpen = value('failOpen', parseSwitch);
  const system = value('system', parseSwitch) ?? true;
  return {
    urls,
    ...(pac !== undefined && { pac }),
    ...(wpad !== undefined && { wpad }),
    system,
    order: value('order', parseOrder) ?? 'sequential',
    ...(failOpen !== undefined && { failOpen }),
    noProxy: raw.given.noProxy?.value ?? '',
    systemUrls: system ? list('systemUrl') : [],
    given: raw.given,
    problems,
  };
}

/** `on` and `off` in any case; `1` and `0` as group policies write them. Throws an Error with the reason. */
export function parseSwitch(text: string): boolean {
  const word = text.trim().toLowerCase();
  if (word === 'on' || word === '1') return true;
  if (word === 'off' || word === '0') return false;
  throw new Error(`"${shownText(text, MAX_SHOWN)}" is neither on nor off`);
}

/** Throws an Error with the reason. */
export function parseOrder(text: string): ProxyOrder {
  const word = text.trim().toLowerCase();
  const order = PROXY_ORDERS.find((known) => known === word);
  if (order === undefined)
    throw new Error(`"${shownText(text, MAX_SHOWN)}" is neither sequential nor random`);
  return order;
}

/**
 * The place of a PAC file: a URL (`http:`, `https:`, `file:`) as it is normalised, or an absolute path. Throws an Error
 * with the reason, which repeats no credentials.
 */
export function parsePacLocation(text: string, platform: NodeJS.Platform): string {
  const location = text.trim();
  if (location === '') throw new Error('is empty');
  if (location.length > MAX_PAC_LOCATION) {
    throw new Error(`is longer than ${MAX_PAC_LOCATION} characters`);
  }
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(location)) throw new Error('holds a control character');
  const paths = platform === 'win32' ? win32 : posix;
  if (paths.isAbsolute(location)) return location;
  let url: URL;
  try {
    url = new URL(location);
  } catch {
    throw new Error(`"${shownText(location, MAX_SHOWN)}" is neither a URL nor an absolute path`);
  }
  if (!['http:', 'https:', 'file:'].includes(url.protocol)) {
    throw new Error(
      `${shownText(url.protocol, MAX_SHOWN)}// is refused: a PAC file comes over http, https or from a file`,
    );
  }
  if (url.username !== '' || url.password !== '') {
    throw new Error('carries a user or password, which would stand in clear: leave it out');
  }
  return url.href;
}
