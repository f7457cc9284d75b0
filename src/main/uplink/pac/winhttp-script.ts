import type { ScriptAnswer } from '../proxy/script.ts';
import { parseWinHttp } from '../proxy/winhttp.ts';
import { MAX_CANDIDATES } from './answer.ts';
import type { RefreshableScript } from './pac-script.ts';
import { loadAutoProxy, type FindAutoProxy } from './winhttp-auto.ts';
import { within } from './within.ts';

/** How long WinHTTP is waited for, ms. What it finds later goes to those who asked again meanwhile. */
const WAIT_MS = 10_000;

/**
 * WPAD as Windows does it: DHCP and DNS, its own cache, its own script engine (decision 20 says where). `load` is called
 * once, when the first URL is asked for.
 */
export function createWinHttpScript(
  load: () => FindAutoProxy = loadAutoProxy,
  waitMs = WAIT_MS,
): RefreshableScript {
  let find: FindAutoProxy | undefined;
  const asking = new Map<string, Promise<ScriptAnswer>>();
  let last: Promise<unknown> = Promise.resolve();
  const ask = async (url: URL): Promise<ScriptAnswer> => {
    try {
      find ??= load();
      const found = await find(`${url.origin}/`);
      if (found.kind === 'none') return { candidates: [] };
      if (found.kind === 'direct') return { candidates: ['direct'] };
      return { candidates: parseWinHttp({ ...found, bypass: '' }).proxies.slice(0, MAX_CANDIDATES) };
    } catch (error) {
      return { candidates: [], problem: `WinHTTP can't be asked: ${(error as Error).message}` };
    } finally {
      asking.delete(url.origin);
    }
  };
  return {
    evaluate: async (url) => {
      const answering = asking.get(url.origin) ?? last.then(() => ask(url));
      // One after the other: one thread at most waits inside WinHTTP, however long it takes.
      last = answering;
      asking.set(url.origin, answering);
      const answer = await within(waitMs, answering);
      return answer ?? { candidates: [], problem: `WinHTTP found nothing within ${waitMs / 1000} s` };
    },
    refresh: () => undefined,
  };
}
