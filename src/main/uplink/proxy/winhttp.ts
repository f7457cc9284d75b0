import { loadKoffi } from '../../host/koffi.ts';
import {
  NO_SYSTEM_PROXIES,
  parseSystemProxies,
  type ProxyToParse,
  type ReadSystemProxies,
  type SystemProxies,
} from './system-proxy.ts';
import { proxyInfoType, type ProxyInfo } from './winhttp-info.ts';

/** WinHTTP's proxy for the whole machine, as `netsh winhttp set proxy` and policies set it; absent: none. */
export interface WinHttpProxy {
  readonly proxy: string;
  readonly bypass: string;
}

/** WINHTTP_ACCESS_TYPE_NAMED_PROXY (winhttp.h). */
const NAMED_PROXY = 3;

/** The port of a proxy that is written without one, as WinHTTP has it (INTERNET_DEFAULT_HTTP_PORT). */
const DEFAULT_PORT = 80;

/**
 * The proxies for https URLs in WinHTTP's notation: entries separated by blanks or `;`, each `host:port` or
 * `scheme=host:port`. One that names `https` counts before those without a scheme, and those don't count beside it;
 * others (`http=`, `ftp=`, `socks=`) are for other URLs. WinHTTP speaks to all of them in clear. An entry that can't be
 * used is left out and named in `problem`.
 */
export function parseWinHttp({ proxy, bypass }: WinHttpProxy): SystemProxies {
  const entries = proxy.split(/[\s;]+/).filter((entry) => entry !== '');
  const named = entries
    .filter((entry) => /^https=/i.test(entry))
    .map((entry) => entry.slice('https='.length));
  const common = entries.filter((entry) => !entry.includes('='));
  return { ...parseSystemProxies((named.length > 0 ? named : common).map(toParse)), bypass };
}

function toParse(entry: string): ProxyToParse {
  const authority = entry.replace(/^http:\/\//i, '').replace(/\/$/, '');
  const withPort = /:\d+$/.test(authority) ? authority : `${authority}:${String(DEFAULT_PORT)}`;
  return { protocol: 'http', authority: withPort };
}

/** Loads winhttp.dll, or the library of that name in a test. Throws off Windows. */
export function loadWinHttp(
  library = 'winhttp.dll',
  memory = 'kernel32.dll',
): () => WinHttpProxy | undefined {
  const koffi = loadKoffi();
  const info = proxyInfoType(koffi, memory);
  const getDefault = koffi
    .load(library)
    .func('__stdcall', 'WinHttpGetDefaultProxyConfiguration', 'int32', [
      koffi.out(koffi.pointer(info.type)),
    ]) as (result: ProxyInfo) => number;
  return () => {
    const result = info.empty();
    if (getDefault(result) === 0) throw new Error('WinHttpGetDefaultProxyConfiguration failed');
    const found = info.take(result);
    return result.dwAccessType === NAMED_PROXY ? found : undefined;
  };
}

/** Reads the settings of Windows. `load` is called once, at the first reading. */
export function readWindowsProxies(
  load: () => () => WinHttpProxy | undefined = loadWinHttp,
): ReadSystemProxies {
  let read: (() => WinHttpProxy | undefined) | undefined;
  return () => {
    try {
      read ??= load();
      const found = read();
      return Promise.resolve(found === undefined ? NO_SYSTEM_PROXIES : parseWinHttp(found));
    } catch (error) {
      return Promise.resolve({ ...NO_SYSTEM_PROXIES, problem: (error as Error).message });
    }
  };
}
