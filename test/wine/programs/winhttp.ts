import { loadKoffi } from '../../../src/main/host/koffi.ts';
import { loadWinHttp } from '../../../src/main/uplink/proxy/winhttp.ts';

const NAMED_PROXY = 3;

/** Sets the proxy of the machine as `netsh winhttp set proxy` does, and reads it as the agent does. */
export function work({ proxy, bypass }: { proxy: string; bypass: string }): unknown {
  const read = loadWinHttp();
  const before = read() ?? 'none';
  const koffi = loadKoffi();
  const info = koffi.struct({ dwAccessType: 'uint32', lpszProxy: 'str16', lpszProxyBypass: 'str16' });
  const set = koffi
    .load('winhttp.dll')
    .func('__stdcall', 'WinHttpSetDefaultProxyConfiguration', 'int32', [koffi.pointer(info)]) as (
    proxy: object,
  ) => number;
  const accepted = set({ dwAccessType: NAMED_PROXY, lpszProxy: proxy, lpszProxyBypass: bypass });
  return { before, accepted, after: read() ?? 'none' };
}
