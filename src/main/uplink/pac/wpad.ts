import { join } from 'node:path';
import type { ScriptAnswer } from '../proxy/script.ts';
import { Evaluator, withProblem } from './evaluator.ts';
import { fetchScript } from './fetch.ts';
import { lastGoodFile } from './last-good.ts';
import type { PacDependencies, RefreshableScript } from './pac-script.ts';
import { runInProcess } from './run-script.ts';
import { RETRY_MS, ScriptSource } from './script-source.ts';
import { Unavailable, type LoadedScript } from './script-text.ts';
import { createWinHttpScript } from './winhttp-script.ts';
import { askDns, findHost, knowing, type AskDns } from './wpad-dns.ts';
import { wpadHosts } from './wpad-hosts.ts';

/** What discovery needs of the agent. */
export interface WpadDependencies extends PacDependencies {
  /** The DNS suffixes of the networks that the host is in now. */
  readonly suffixes: () => Promise<readonly string[]>;
  readonly askDns?: AskDns;
  /** Port of the discovered server; a test has no right to 80. */
  readonly port?: number;
  readonly platform?: NodeJS.Platform;
}

/**
 * The proxies that the network itself names (R246, R253): on Windows asked of WinHTTP, elsewhere the script that a host
 * `wpad` of the network's domains serves. A network without one gives no candidates, and that is no problem. The caller
 * asks only where an administrator switched it on, since whoever runs the DNS decides where the traffic goes.
 */
export function createWpadScript(dependencies: WpadDependencies): RefreshableScript {
  const { platform = process.platform } = dependencies;
  return platform === 'win32' ? createWinHttpScript() : new DnsDiscovery(dependencies);
}

/** What was found in the networks with these hosts. */
interface Found {
  readonly key: string;
  readonly source: ScriptSource;
  /** Whether a host exists; without one there is nothing to complain about. */
  exists: boolean;
}

class DnsDiscovery implements RefreshableScript {
  readonly #dependencies: WpadDependencies;
  readonly #evaluator: Evaluator;
  #found: Found | undefined;

  constructor(dependencies: WpadDependencies) {
    const { runScript = runInProcess(), clock } = dependencies;
    this.#dependencies = dependencies;
    this.#evaluator = new Evaluator(runScript, () => clock.now());
  }

  async evaluate(url: URL): Promise<ScriptAnswer> {
    const hosts = await wpadHosts(await this.#dependencies.suffixes());
    if (hosts.length === 0) return { candidates: [] };
    const key = hosts.join(' ');
    // Another network: what the last one said does not count here.
    const found = this.#found?.key === key ? this.#found : this.#start(key, hosts);
    const { script, problem } = await found.source.current();
    if (script === undefined) {
      return { candidates: [], ...(found.exists && problem !== undefined && { problem }) };
    }
    return withProblem(problem, await this.#evaluator.ask(script, url));
  }

  refresh(): void {
    this.#evaluator.forget();
    this.#found?.source.refresh();
  }

  #start(key: string, hosts: readonly string[]): Found {
    const { clock, log, dataDir } = this.#dependencies;
    this.#found?.source.refresh();
    this.#evaluator.forget();
    const found: Found = {
      key,
      exists: false,
      source: new ScriptSource({
        location: 'the script of WPAD',
        key: `wpad ${key}`,
        load: async (signal) => this.#load(found, hosts, signal),
        retryMs: RETRY_MS,
        check: (script) => this.#evaluator.check(script),
        lastGood: lastGoodFile(join(dataDir, 'wpad-copy'), (message) => log.debug(message)),
        now: () => clock.now(),
      }),
    };
    this.#found = found;
    return found;
  }

  async #load(found: Found, hosts: readonly string[], signal: AbortSignal): Promise<LoadedScript> {
    const { secureContext, clock, log, port = 80 } = this.#dependencies;
    const host = await findHost(hosts, this.#dependencies.askDns ?? askDns);
    found.exists = host !== undefined;
    if (host === undefined) throw new Unavailable(`is not there: no host ${hosts.join(', ')}`);
    const url = new URL(`http://${host.host}:${port}/wpad.dat`);
    log.debug(`WPAD: fetching ${url.href}`);
    return fetchScript(url, {
      secureContext,
      now: () => clock.now(),
      signal,
      debug: (message) => log.debug(message),
      lookup: knowing(host),
    });
  }
}
