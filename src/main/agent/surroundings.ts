import { EVENT_STREAMS } from '../../shared/host-events.ts';
import { TYPE_OF_STREAM } from '../../shared/modules.ts';
import type { NetworkMonitor, NetworkState } from '../host/network/network.ts';
import type { Context } from './context.ts';
import {
  logsWaitForUnmetered,
  payloadWaitsForUnmetered,
  reachAgain,
  waitsForUnmetered,
} from './network-change.ts';

/** Hands something to the owner loop as one event. */
export type Post = (name: string, handle: () => void) => void;

/** What is around the agent and may change at any time. */
export interface Around {
  readonly network: NetworkMonitor;
  /** Calls back with a clause for the log when settings of the way to the platform changed; returns what ends it. */
  readonly watchSettings: (changed: (what: string) => void) => () => void;
  /** Ends open connections, so that the next exchange looks for its route anew. */
  readonly reconnect: () => void;
}

/**
 * Turns what happens around the agent into events: networks, sleep, proxies. Whatever may lead to another route resets
 * the back-off and closes connections, so that the missed heartbeat goes at once.
 */
export class Surroundings {
  readonly #around: Around;
  readonly #context: Context;
  readonly #post: Post;
  #endWatch: () => void = () => undefined;
  #state: NetworkState | undefined;

  constructor(around: Around, context: Context, post: Post) {
    this.#around = around;
    this.#context = context;
    this.#post = post;
  }

  /** The networks as last seen; `undefined` before the first look. */
  get network(): NetworkState | undefined {
    return this.#state;
  }

  /** Looks once and begins to listen. */
  async start(): Promise<void> {
    const { network, watchSettings } = this.#around;
    this.#take(await network.state());
    network.start({
      changed: (state) => {
        this.#post('network changed', () => {
          this.#take(state);
          this.#goOn(`the network changed: ${describe(state)}`);
        });
      },
      resumed: () => {
        this.#post('resumed', () => {
          this.#goOn('the host woke from sleep');
        });
      },
      suspending: () => {
        this.#context.log.info('the host goes to sleep');
      },
      unstable: ({ count, seconds, pause }) => {
        this.#post('network unstable', () => {
          const values = { count: String(count), seconds: String(seconds), pause: String(pause) };
          this.#context.conditions.raise('NETWORK_UNSTABLE', this.#context.clock.now(), values);
        });
      },
      stable: () => {
        this.#post('network stable', () => {
          this.#context.conditions.clear('NETWORK_UNSTABLE');
        });
      },
      degraded: (reason) => {
        this.#context.log.warn(reason);
      },
    });
    this.#endWatch = watchSettings((what) => {
      this.#post('settings changed', () => {
        this.#goOn(what);
      });
    });
  }

  async stop(): Promise<void> {
    this.#endWatch();
    await this.#around.network.stop();
  }

  #take(state: NetworkState): void {
    this.#state = state;
    const { update, conditions, clock } = this.#context;
    update({ network: { online: state.online, metered: state.metered === true } });
    if (state.online) conditions.clear('NO_NETWORK');
    else conditions.raise('NO_NETWORK', clock.now());
  }

  #goOn(why: string): void {
    const { log, facts, update, clock } = this.#context;
    log.info(`${why}; routes are looked for anew`);
    this.#around.reconnect();
    update(reachAgain(facts(), clock.now()));
  }
}

function describe({ online, metered, addresses }: NetworkState): string {
  if (!online) return 'no interface is up';
  const names = [...new Set(addresses.map((address) => address.interface))].join(', ');
  return `${names}${metered === true ? ', metered' : ''}`;
}

const MB = 1024 * 1024;

/** Says, or no longer says, that an upload waits for an unmetered network: after every event, since many lead to it. */
export function noteMeteredWait(context: Context): void {
  const facts = context.facts();
  const { pending, logs } = facts;
  noteWait(context, '', waitsForUnmetered(facts) ? pending : null);
  noteWait(
    context,
    'logs',
    logsWaitForUnmetered(facts) && logs?.terms ? { type: 'logs', ...logs.terms } : null,
  );
  for (const stream of EVENT_STREAMS) {
    const terms = payloadWaitsForUnmetered(facts, stream) ? facts.streams[stream].payload?.terms : undefined;
    noteWait(context, stream, terms === undefined ? null : { type: TYPE_OF_STREAM[stream], ...terms });
  }
}

function noteWait(
  context: Context,
  detail: string,
  waiting: { readonly type: string; readonly encodedBytes: number } | null,
): void {
  if (waiting === null) {
    context.conditions.clear('METERED_WAIT', detail);
    return;
  }
  const values = {
    type: waiting.type,
    size: (waiting.encodedBytes / MB).toFixed(1),
    limit: String(context.facts().meteredLimitBytes / MB),
    file: context.paths.settingsFile,
  };
  context.conditions.raise('METERED_WAIT', context.clock.now(), values, detail);
}
