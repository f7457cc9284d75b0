import { callInThread, loadKoffi, type NativeFunction } from '../../host/koffi.ts';
import { proxyInfoType } from '../proxy/winhttp-info.ts';

/** What WinHTTP's discovery says for one URL. */
export type AutoProxy =
  /** Proxies in WinHTTP's notation. */
  | { readonly kind: 'proxies'; readonly proxy: string }
  | { readonly kind: 'direct' }
  /** The network names no script, or it is of no use: WinHTTP's reason does not outlive the thread it worked in. */
  | { readonly kind: 'none' };

/** Asks WinHTTP; may take as long as its own timeouts. */
export type FindAutoProxy = (url: string) => Promise<AutoProxy>;

/** Constants of winhttp.h. */
const ACCESS_TYPE_NO_PROXY = 1;
const ACCESS_TYPE_NAMED_PROXY = 3;
const AUTOPROXY_AUTO_DETECT = 0x1;
const AUTO_DETECT_TYPE_DHCP = 0x1;
const AUTO_DETECT_TYPE_DNS_A = 0x2;

/** WINHTTP_AUTOPROXY_OPTIONS. */
const OPTIONS = {
  dwFlags: AUTOPROXY_AUTO_DETECT,
  dwAutoDetectFlags: AUTO_DETECT_TYPE_DHCP | AUTO_DETECT_TYPE_DNS_A,
  lpszAutoConfigUrl: null,
  lpvReserved: null,
  dwReserved: 0,
  // The computer account's credentials are not offered to whoever answers.
  fAutoLogonIfChallenged: 0,
};

/** Loads winhttp.dll, or the libraries of these names in a test. Throws off Windows. */
export function loadAutoProxy(library = 'winhttp.dll', memory = 'kernel32.dll'): FindAutoProxy {
  const koffi = loadKoffi();
  const winhttp = koffi.load(library);
  const options = koffi.struct({
    dwFlags: 'uint32',
    dwAutoDetectFlags: 'uint32',
    lpszAutoConfigUrl: 'str16',
    lpvReserved: 'void *',
    dwReserved: 'uint32',
    fAutoLogonIfChallenged: 'int32',
  });
  const info = proxyInfoType(koffi, memory);
  const open = winhttp.func('__stdcall', 'WinHttpOpen', 'void *', [
    ...['str16', 'uint32', 'str16', 'str16', 'uint32'],
  ]) as (agent: string, access: number, proxy: null, bypass: null, flags: number) => unknown;
  const getProxyForUrl = winhttp.func('__stdcall', 'WinHttpGetProxyForUrl', 'int32', [
    ...['void *', 'str16', koffi.pointer(options), koffi.out(koffi.pointer(info.type))],
  ]) as NativeFunction;
  const closeHandle = winhttp.func('__stdcall', 'WinHttpCloseHandle', 'int32', ['void *']) as (
    handle: unknown,
  ) => number;
  return async (url) => {
    const session = open('Wayfarer', ACCESS_TYPE_NO_PROXY, null, null, 0);
    if (session === null) throw new Error('WinHttpOpen failed');
    try {
      const result = info.empty();
      // Discovery waits for the network, so it works in a thread.
      if ((await callInThread(getProxyForUrl, [session, url, OPTIONS, result])) === 0)
        return { kind: 'none' };
      const { proxy } = info.take(result);
      return result.dwAccessType === ACCESS_TYPE_NAMED_PROXY
        ? { kind: 'proxies', proxy }
        : { kind: 'direct' };
    } finally {
      closeHandle(session);
    }
  };
}
