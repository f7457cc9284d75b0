import { join } from 'node:path';
import type { SecureContext } from 'node:tls';
import type { Clock } from '../../clock.ts';
import type { Log } from '../../host/log.ts';
import type { OpenPacScript, ProxyScript } from '../proxy/script.ts';
import { shownLocation } from '../proxy/shown-text.ts';
import { Evaluator, withProblem } from './evaluator.ts';
import { fetchScript } from './fetch.ts';
import { lastGoodFiles } from './last-good.ts';
import { readLocalScript } from './local-file.ts';
import { parseLocation } from './location.ts';
import { runInProcess, type RunScript } from './run-script.ts';
import { RETRY_MS, ScriptSource } from './script-source.ts';
import type { LoadedScript } from './script-text.ts';

/** What scripts need of the agent. */
export interface PacDependencies {
  /** Where the last good copy is kept. */
  readonly dataDir: string;
  /** Whom TLS trusts when a script is fetched over https. */
  readonly secureContext: () => SecureContext;
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Pick<Log, 'debug'>;
  /** Runs a script; by default in a process of its own. */
  readonly runScript?: RunScript;
}

/** A script that can be told of a change of the network. */
export interface RefreshableScript extends ProxyScript {
  /** Forgets answers and has the script fetched anew when it is next asked. */
  readonly refresh: () => void;
}

/** The scripts of one agent. */
export interface PacScripts {
  readonly open: OpenPacScript;
  /** To be called when the network changed. */
  readonly refresh: () => void;
}

/** Locations that are held at the same time; an administrator names one, and changes it now and then. */
const MAX_OPEN = 2;

/** Opens scripts by location and keeps what they fetched for the next one who asks. */
export function openPacScripts(dependencies: PacDependencies): PacScripts {
  const open = new Map<string, RefreshableScript>();
  return {
    open: (location) => {
      const script = open.get(location) ?? createPacScript(location, dependencies);
      // Put last again, so that the first one is the one that was not asked for the longest.
      open.delete(location);
      open.set(location, script);
      for (const oldest of [...open.keys()].slice(0, -MAX_OPEN)) open.delete(oldest);
      return script;
    },
    refresh: () => {
      for (const script of open.values()) script.refresh();
    },
  };
}

/**
 * The script at a location (`http:`, `https:`, `file:` URL or absolute path). An evaluation takes at most the time of a
 * fetch, of the check of a new script and of its run, 10 s each.
 */
export function createPacScript(location: string, dependencies: PacDependencies): RefreshableScript {
  const { clock, log, dataDir, runScript = runInProcess() } = dependencies;
  const debug = (message: string): void => log.debug(message);
  const evaluator = new Evaluator(runScript, () => clock.now());
  const source = new ScriptSource({
    location: shownLocation(location),
    key: location,
    load: loader(location, dependencies),
    retryMs: /^https?:/i.test(location) ? RETRY_MS : 0,
    check: (script) => evaluator.check(script),
    lastGood: lastGoodFiles(join(dataDir, 'pac-copy'), MAX_OPEN, debug),
    now: () => clock.now(),
  });
  return {
    evaluate: async (url) => {
      const { script, problem } = await source.current();
      if (script === undefined) return { candidates: [], problem: problem ?? 'there is no script yet' };
      return withProblem(problem, await evaluator.ask(script, url));
    },
    refresh: () => {
      evaluator.forget();
      source.refresh();
    },
  };
}

/** How a script is read; a location that is none is refused when it is used, so that the reason is shown as any other. */
function loader(
  location: string,
  { secureContext, clock, log }: PacDependencies,
): (signal: AbortSignal) => Promise<LoadedScript> {
  return async (signal) => {
    const place = parseLocation(location);
    if (place.kind === 'local') return readLocalScript(place.path);
    return fetchScript(place.url, {
      secureContext,
      now: () => clock.now(),
      signal,
      debug: (message) => log.debug(message),
    });
  };
}
