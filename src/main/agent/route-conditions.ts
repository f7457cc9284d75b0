import type { ProxyProblem } from '../uplink/proxy/candidate.ts';
import type { TriedRoute } from '../uplink/route.ts';
import { routeConditions, type RouteCondition } from '../uplink/route-failures.ts';
import type { Context } from './context.ts';

/**
 * Says which proxies do not do their work, each time a new connection was made: a proxy that silently isn't used is what
 * an administrator must never meet. Where no route worked, that is the exchange's own condition.
 */
export class RouteConditions {
  readonly #context: Context;
  #shown: readonly RouteCondition[] = [];

  constructor(context: Context) {
    this.#context = context;
  }

  /** Takes the routes that a new connection tried, in their order, and what is wrong with the settings. */
  note(tried: readonly TriedRoute[], problems: readonly ProxyProblem[]): void {
    const { conditions, clock } = this.#context;
    const found = routeConditions(tried, problems);
    const now = clock.now();
    for (const { code, key, values } of found) conditions.raise(code, now, values, key);
    const held = new Set(found.map(nameOf));
    for (const gone of this.#shown) if (!held.has(nameOf(gone))) conditions.clear(gone.code, gone.key);
    this.#shown = found;
  }
}

const nameOf = ({ code, key }: RouteCondition): string => `${code}/${key}`;

/**
 * Says so while the CA file is of no use: a warning, since the system's store may serve, and where it does not the exchange
 * fails with a condition of its own. The file is read again whenever it changes, so mending it is enough.
 */
export function noteCaFile(context: Context, reason: string | undefined): void {
  const { conditions, clock, paths } = context;
  if (reason === undefined) conditions.clear('CONFIG_IGNORED', 'CaFile');
  else {
    const values = { setting: 'CaFile', reason, file: paths.settingsFile };
    conditions.raise('CONFIG_IGNORED', clock.now(), values, 'CaFile');
  }
}
