import { readLinuxRouting } from './linux.ts';
import { readMacosRouting } from './macos.ts';
import type { HostRouting, Interfaces } from './state.ts';
import { readWindowsRouting } from './windows.ts';

/** Reads default routes and search domains. Never rejects: what can't be read is what it was, or empty. */
export type ReadRouting = (interfaces: Interfaces) => Promise<HostRouting>;

/** Answers of commands are taken for the same while no address changes, but not for longer than this, ms. */
const KEEP_MS = 600_000;

/** First pause after an answer that was none, ms; each further one doubles it up to KEEP_MS. */
const AGAIN_MS = 15_000;

const NOTHING: HostRouting = { routes: [], searchDomains: [] };

/** How this system is asked. `signal` ends commands that run; `monotonic` is ms that never go back. */
export function routingReader(
  platform: NodeJS.Platform,
  signal: AbortSignal,
  monotonic: () => number,
): ReadRouting {
  switch (platform) {
    case 'win32':
      return remembered(() => readWindowsRouting(signal), monotonic);
    case 'darwin':
      return () => readMacosRouting(signal).then((routing) => routing ?? NOTHING);
    default:
      return () => readLinuxRouting();
  }
}

/**
 * Asks only when an address has changed or the answer is old, and stays with the last answer when asking fails: PowerShell
 * costs about a second of CPU, and the monitor looks every 15 s where nothing tells of changes. A host whose policy
 * forbids the script fails for good, so failures are asked about less and less often.
 */
export function remembered(
  ask: () => Promise<HostRouting | undefined>,
  monotonic: () => number,
): ReadRouting {
  let last = NOTHING;
  let askedFor: string | undefined;
  let askedAt = 0;
  let keepMs = KEEP_MS;
  let failures = 0;
  return async (interfaces) => {
    const current = JSON.stringify(interfaces);
    const now = monotonic();
    if (current === askedFor && now - askedAt < keepMs) return last;
    const answer = await ask();
    askedFor = current;
    askedAt = now;
    failures = answer === undefined ? failures + 1 : 0;
    keepMs = failures === 0 ? KEEP_MS : Math.min(KEEP_MS, AGAIN_MS * 2 ** (failures - 1));
    last = answer ?? last;
    return last;
  };
}
