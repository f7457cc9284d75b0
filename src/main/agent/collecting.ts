import type { FromCollector, ToCollector } from '../../shared/collector.ts';
import { isStreamType, type ManifestType } from '../../shared/modules.ts';
import { toInstant } from '../clock.ts';
import { Collection } from './collection.ts';
import type { StartCollector } from './collector-process.ts';
import { collectorRules } from './collector-supervisor.ts';
import type { Context } from './context.ts';
import type { FactBook } from './fact-book.ts';
import type { Plan } from './plan.ts';
import { CHANGE_GAP_SEC, changeRequest } from './schedule.ts';
import { inMb, ProcessSupervisor } from './process-supervisor.ts';
import type { Post } from './surroundings.ts';
import { watchedPaths } from './watched-paths.ts';

const MB = 1024 * 1024;

/** Collecting as a part of the core: the collector's process, the one collection under way, and what both report. */
export class Collecting {
  readonly #context: Context;
  readonly #book: Pick<FactBook, 'request'>;
  readonly #supervisor: ProcessSupervisor<ToCollector, FromCollector>;
  readonly #collection: Collection;
  /** The manifests whose files the collector watches, as text. */
  #watching = '';
  /** Whether a collector was ended for its memory since a scan was last complete. */
  #wasTooLarge = false;

  constructor(context: Context, book: Pick<FactBook, 'request'>, start: StartCollector, post: Post) {
    this.#context = context;
    this.#book = book;
    this.#supervisor = new ProcessSupervisor(
      start,
      context.clock,
      collectorRules(context.settings.collectorMemoryMb * MB),
      {
        message: (message) => {
          post(`collector ${message.kind}`, () => {
            this.#take(message);
          });
        },
        up: () => {
          post('collector up', () => {
            context.conditions.clear('COLLECTOR_DOWN');
            context.update({ collectorUp: true });
            this.#watching = '';
            this.#collection.collectorUp();
          });
        },
        tooLarge: (rssBytes) => {
          post('collector too large', () => {
            this.#tooLarge(rssBytes);
          });
        },
        down: (reason, inARow, restartAt) => {
          post('collector down', () => {
            this.#down(reason, inARow, restartAt);
          });
        },
      },
    );
    this.#collection = new Collection(
      context,
      (message) => {
        this.#supervisor.send(message);
      },
      post,
    );
  }

  /** The collector's process, for the status. */
  get process(): { readonly pid: number | null; readonly restarts: number } {
    return this.#supervisor;
  }

  /** Starts the process, and again whenever it ends. */
  start(): void {
    this.#supervisor.start();
  }

  /** Has the collector watch the files of the manifests in force; after every event, since many change them. */
  follow(): void {
    const { facts, tasks } = this.#context;
    const { collectorUp, types } = facts();
    const manifests = JSON.stringify([...tasks.keys()].map((type) => [type, types[type]?.manifest?.version]));
    if (!collectorUp || manifests === this.#watching) return;
    this.#watching = manifests;
    this.#supervisor.send({ kind: 'watch', paths: watchedPaths(tasks) });
  }

  /** Ends the process; it is not started again. */
  stop(): Promise<void> {
    return this.#supervisor.stop();
  }

  /** Begins a collection. Throws `StoreError` when the database takes no writes; then nothing has begun. */
  begin({ type, reason }: NonNullable<Plan['collect']>): void {
    this.#collection.start(type, reason);
  }

  /** Has the collection under way rest between two rows for this reason, or go on. */
  pause(because: string | null): void {
    this.#collection.pause(because);
  }

  /** Gives up the collection of this type, if it is the one under way. */
  cancel(type: ManifestType): void {
    this.#collection.cancel(type);
  }

  #take(message: FromCollector): void {
    if (message.kind === 'changed') this.#hostChanged(message);
    else if (message.kind === 'log') this.#context.log[message.level](`collector: ${message.message}`);
    else if (message.kind !== 'ready') this.#collection.message(message);
    if (message.kind !== 'done') return;
    if (!this.#wasTooLarge) this.#context.conditions.clear('COLLECTOR_MEMORY');
    this.#wasTooLarge = false;
  }

  #tooLarge(rssBytes: number): void {
    const { conditions, clock, settings, paths, facts } = this.#context;
    this.#wasTooLarge = true;
    const budget = String(settings.collectorMemoryMb);
    const type = facts().collecting ?? 'last';
    conditions.raise('COLLECTOR_MEMORY', clock.now(), {
      size: inMb(rssBytes),
      budget,
      type,
      file: paths.settingsFile,
    });
  }

  #down(reason: string, inARow: number, restartAt: number): void {
    const { log, update, conditions, clock } = this.#context;
    const next = toInstant(restartAt);
    log.error(`collector ended: ${reason}; started again at ${next}`);
    update({ collectorUp: false });
    this.#collection.collectorDown(reason);
    conditions.raise('COLLECTOR_DOWN', clock.now(), { times: String(inARow), reason, next });
  }

  /** Something on the host changed: the types whose manifests look at it get an early cycle (R026, R027). */
  #hostChanged({ tables, types: named, reason }: Extract<FromCollector, { kind: 'changed' }>): void {
    const { facts, log, emit, clock } = this.#context;
    const { activeTypes, types: known, development } = facts();
    const types = activeTypes.filter(
      (type) =>
        !isStreamType(type) &&
        (named.includes(type) ||
          known[type]?.manifest?.tables.some((table) => tables.includes(table)) === true),
    );
    if (types.length === 0) return;
    log.info(`${reason}: early cycle of ${types.join(', ')}`);
    emit({ name: 'changed', types, reason });
    const gapSec = development.changeGapSec ?? CHANGE_GAP_SEC;
    this.#book.request(types, (type) => changeRequest(type, clock.now(), gapSec));
  }
}
