import type { FromCollector, ToCollector } from '../../../shared/collector.ts';
import type { ManifestType } from '../../../shared/modules.ts';
import type { Item } from '../../../shared/rows.ts';
import type { CollectorEvents, StartCollector } from '../collector-process.ts';

/** What a fake collector does with a collection: answers with the host's rows, or leaves it to the test. */
export type Behaviour = 'answers' | 'waits';

type Collect = Extract<ToCollector, { kind: 'collect' }>;

/** Collector processes that a test holds in its hand: what they were sent, what they say, when they die. */
export class FakeCollector {
  /** The rows of the host per manifest type. */
  readonly host = new Map<ManifestType, readonly Item[]>();
  readonly sent: ToCollector[] = [];
  behaviour: Behaviour = 'answers';
  /** Whether a started process says that it is ready. */
  ready = true;
  started = 0;
  stopped = 0;
  #events: CollectorEvents | undefined;

  readonly start: StartCollector = (events) => {
    this.started += 1;
    this.#events = events;
    // A process never answers before the call that started it has returned.
    queueMicrotask(() => {
      if (this.ready) events.message({ kind: 'ready', pid: this.started, tables: ['deb'] });
    });
    return {
      pid: this.started,
      send: (message) => {
        this.sent.push(message);
        if (message.kind === 'collect' && this.behaviour === 'answers') {
          queueMicrotask(() => {
            if (this.#events === events) this.answer(message);
          });
        }
      },
      stop: () => {
        this.stopped += 1;
        return Promise.resolve();
      },
    };
  };

  /** The collections that were asked for, in order. */
  get collections(): Collect[] {
    return this.sent.filter((message) => message.kind === 'collect');
  }

  get lastCollection(): Collect {
    const last = this.collections.at(-1);
    if (last === undefined) throw new Error('nothing was to be collected yet');
    return last;
  }

  say(message: FromCollector): void {
    this.#events?.message(message);
  }

  die(reason = 'SIGKILL'): void {
    this.#events?.ended(reason);
  }

  /** Something changed that these tables show. */
  changed(tables: string[] = ['deb']): void {
    this.say({ kind: 'changed', tables, types: [], reason: 'packages changed' });
  }

  /** Something changed that the manifests of these types look at. */
  configurationChanged(types: ManifestType[]): void {
    this.say({ kind: 'changed', tables: [], types, reason: 'configuration changed: /etc/hosts' });
  }

  /** Sends all rows of the host for a collection, then `done`. */
  answer(collect: Collect = this.lastCollection): void {
    const items = [...(this.host.get(collect.type) ?? [])];
    const { job } = collect;
    this.say({ kind: 'batch', job, items });
    const tables = { deb: items.length };
    this.say({ kind: 'done', job, rows: items.length, tables, errors: [], cpuMs: 1, elapsedMs: 2 });
  }
}
