import type * as Koffi from 'koffi';

/** WINHTTP_PROXY_INFO. */
export interface ProxyInfo {
  dwAccessType: number;
  lpszProxy: unknown;
  lpszProxyBypass: unknown;
}

/** How WINHTTP_PROXY_INFO is passed, and its texts taken. */
export interface ProxyInfoType {
  readonly type: Koffi.TypeObject;
  readonly empty: () => ProxyInfo;
  /** Both texts; what WinHTTP allocated for them is freed. */
  readonly take: (info: ProxyInfo) => { readonly proxy: string; readonly bypass: string };
}

/** The structure for koffi. `memory` is the library that frees: kernel32.dll. Throws where it is not. */
export function proxyInfoType(koffi: typeof Koffi, memory: string): ProxyInfoType {
  const free = koffi.load(memory).func('__stdcall', 'GlobalFree', 'void *', ['void *']) as (
    pointer: unknown,
  ) => unknown;
  const text = (pointer: unknown): string => {
    if (pointer === null) return '';
    try {
      return String(koffi.decode(pointer, 'char16_t', -1));
    } finally {
      free(pointer);
    }
  };
  return {
    type: koffi.struct({ dwAccessType: 'uint32', lpszProxy: 'void *', lpszProxyBypass: 'void *' }),
    empty: () => ({ dwAccessType: 0, lpszProxy: null, lpszProxyBypass: null }),
    take: ({ lpszProxy, lpszProxyBypass }) => ({ proxy: text(lpszProxy), bypass: text(lpszProxyBypass) }),
  };
}
