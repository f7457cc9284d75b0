import type { ConditionCode } from '../../shared/conditions.ts';
import { describeFailure } from '../uplink/failure.ts';
import type { ProxyProblem } from '../uplink/proxy/candidate.ts';
import type { TriedRoute } from '../uplink/route.ts';
import type { Context } from './context.ts';

/** A condition of a proxy or its settings: `detail` tells several of one code apart. */
interface Note {
  readonly code: ConditionCode;
  readonly detail: string;
  readonly values: Readonly<Record<string, string>>;
}

/**
 * Says which proxies do not do their work, each time a new connection was made: a proxy that silently isn't used is what
 * an administrator must never meet. Where no route worked, that is the exchange's own condition.
 */
export class RouteConditions {
  readonly #context: Context;
  #shown: readonly Note[] = [];

  constructor(context: Context) {
    this.#context = context;
  }

  /** Takes the routes that a new connection tried, in their order, and what is wrong with the settings. */
  note(tried: readonly TriedRoute[], problems: readonly ProxyProblem[]): void {
    const { conditions, clock } = this.#context;
    const notes = [...problems.map(settingNote), ...routeNotes(tried)];
    const now = clock.now();
    for (const { code, detail, values } of notes) conditions.raise(code, now, values, detail);
    const held = new Set(notes.map(keyOf));
    for (const note of this.#shown) if (!held.has(keyOf(note))) conditions.clear(note.code, note.detail);
    this.#shown = notes;
  }
}

const keyOf = ({ code, detail }: Note): string => `${code}/${detail}`;

function settingNote({ setting, source, reason }: ProxyProblem): Note {
  return { code: 'PROXY_INVALID', detail: `${setting} ${source}`, values: { setting, source, reason } };
}

function routeNotes(tried: readonly TriedRoute[]): Note[] {
  const used = tried.find(({ failure }) => failure === undefined)?.attempt.route;
  return tried.flatMap(({ attempt, failure }): Note[] => {
    if (attempt.proxy === null || failure === undefined) return [];
    const values = { proxy: attempt.proxy, source: attempt.source ?? '', reason: describeFailure(failure) };
    const detail = attempt.proxy;
    if (failure.kind === 'proxy' && failure.schemes !== undefined) {
      const schemes = failure.schemes.join(', ');
      return [{ code: 'PROXY_AUTHENTICATION', detail, values: { ...values, schemes } }];
    }
    return used === undefined ? [] : [{ code: 'PROXY_FAILED', detail, values: { ...values, route: used } }];
  });
}
