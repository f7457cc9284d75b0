import type { FromCollector } from '../../shared/collector.ts';
import type { ConditionCode } from '../../shared/conditions.ts';
import type { AgentEvent, CycleReply, CycleRequest } from '../../shared/control.ts';
import type { ManifestType } from '../../shared/modules.ts';
import type { AgentStatus } from '../../shared/status.ts';
import { keyId } from '../../wire/keys.ts';
import { toInstant } from '../clock.ts';
import { StoreError } from '../queue/store-error.ts';
import type { PlatformClient } from '../uplink/client.ts';
import { Collection } from './collection.ts';
import { CollectorSupervisor } from './collector-supervisor.ts';
import type { StartCollector } from './collector-process.ts';
import { ConditionBook } from './condition-book.ts';
import type { Apply, Context, NewEvent } from './context.ts';
import { fetchManifest, fetchProfile, loadDocuments } from './documents.ts';
import { emptyTypeFacts, type Facts, type TypeFacts } from './facts.ts';
import { heartbeat } from './heartbeat.ts';
import { modulesOf } from './initial-facts.ts';
import { OwnerLoop } from './loop.ts';
import { forgetType } from './modules.ts';
import { plan, type UplinkStep } from './plan.ts';
import { provision } from './provisioning.ts';
import { buildStatus, type UploadTotals } from './report.ts';
import { reprovision, resumeReprovision } from './reprovision.ts';
import { RECORDS_STREAM, sendRecords } from './records.ts';
import { CHANGE_GAP_SEC, changeRequest, collectionRefusal, earlierRequest } from './schedule.ts';
import { derivePhase, type DerivedPhase } from './status.ts';
import { syncCheck } from './sync-check.ts';
import { uploadStep, type UploadProgress } from './upload.ts';

/** What the core is given: the world behind ports. */
export type CoreParts = Pick<
  Context,
  | 'clock'
  | 'random'
  | 'log'
  | 'paths'
  | 'settings'
  | 'store'
  | 'identityFiles'
  | 'identity'
  | 'host'
  | 'platform'
> & {
  readonly client: Pick<PlatformClient, 'clockOffsetSec' | 'route'>;
  readonly startCollector: StartCollector;
  readonly facts: Facts;
  readonly keptHostId: boolean;
};

/** Who follows the agent's status and events. */
export interface Watcher {
  readonly status: (status: AgentStatus) => void;
  readonly event: (event: AgentEvent) => void;
}

/** How often watchers get a new status at most, ms. */
const STATUS_THROTTLE_MS = 100;

/** A disk or database that refuses a write is tried again after this, ms. */
const STORE_RETRY_MS = 60_000;

/**
 * The agent core: one loop owns the facts, a pure plan says what to start, and what was started comes back as an event
 * (architecture, "The core"). Everything it touches is a port, so that tests step it with a clock of their own.
 */
export class AgentCore {
  readonly #parts: CoreParts;
  readonly #context: Context;
  readonly #loop: OwnerLoop;
  readonly #supervisor: CollectorSupervisor;
  readonly #collection: Collection;
  readonly #watchers = new Set<Watcher>();
  readonly #upload: UploadProgress = { held: undefined };
  readonly #totals: UploadTotals = { count: 0, rawBytes: 0, sentBytes: 0, chunks: 0 };
  #facts: Facts;
  #phase: DerivedPhase & { since: number };
  #cancelWake: () => void = () => undefined;
  #cancelStatus: (() => void) | undefined;
  #exchange: Promise<void> = Promise.resolve();

  constructor(parts: CoreParts) {
    this.#parts = parts;
    this.#facts = parts.facts;
    this.#context = this.#createContext();
    this.#phase = { ...this.#derive(), since: parts.clock.now() };
    this.#loop = new OwnerLoop(
      () => {
        this.#replan();
      },
      (event, error) => {
        this.#unexpected(event, error);
      },
    );
    this.#supervisor = new CollectorSupervisor(parts.startCollector, parts.clock, {
      message: (message) => {
        this.#post(`collector ${message.kind}`, () => {
          this.#collectorMessage(message);
        });
      },
      up: () => {
        this.#post('collector up', () => {
          this.#context.conditions.clear('COLLECTOR_DOWN');
          this.#context.update({ collectorUp: true });
        });
      },
      down: (reason, inARow, restartAt) => {
        this.#post('collector down', () => {
          this.#collectorDown(reason, inARow, restartAt);
        });
      },
    });
    this.#collection = new Collection(
      this.#context,
      (message) => {
        this.#supervisor.send(message);
      },
      (name, apply) => {
        this.#post(name, apply);
      },
    );
  }

  /** The ports and facts that steps work with: for the host that opens the core. */
  get context(): Context {
    return this.#context;
  }

  /** Loads what the last run left and begins. */
  async start(): Promise<void> {
    if (this.#facts.provisioned) await loadDocuments(this.#context, this.#facts.activeTypes);
    this.#supervisor.start();
    this.#post('start', () => {
      resumeReprovision(this.#context);
    });
  }

  /** Ends cleanly: nothing new starts, the exchange under way may finish, the collector is stopped. */
  async stop(): Promise<void> {
    this.#cancelWake();
    this.#cancelStatus?.();
    this.#loop.stop();
    await this.#supervisor.stop();
    await this.#exchange;
  }

  status(): AgentStatus {
    return buildStatus(this.#context, {
      phase: this.#phase,
      since: this.#phase.since,
      collector: this.#supervisor,
      clockOffsetSec: this.#parts.client.clockOffsetSec,
      totals: this.#totals,
    });
  }

  watch(watcher: Watcher): () => void {
    this.#watchers.add(watcher);
    return () => {
      this.#watchers.delete(watcher);
    };
  }

  /** Asks for collections now: of the given types, or of every one that can be collected. Answers why not, per type. */
  requestCycle(request: CycleRequest): CycleReply {
    const types = request.types ?? this.#facts.activeTypes;
    const refused: Record<string, string> = {};
    const accepted: ManifestType[] = [];
    for (const type of types) {
      const reason = collectionRefusal(type, this.#facts);
      if (reason === undefined) accepted.push(type);
      else refused[type] = reason;
    }
    this.#post('cycle requested', () => {
      this.#requestEach(accepted, () => ({ reason: 'request', notBefore: this.#parts.clock.now() }));
    });
    return { accepted, refused };
  }

  #createContext(): Context {
    const parts = this.#parts;
    const conditions = new ConditionBook((code, raised, text) => {
      this.#conditionChanged(code, raised, text);
    });
    return {
      ...parts,
      conditions,
      tasks: new Map(),
      facts: () => this.#facts,
      update: (change) => {
        this.#facts = { ...this.#facts, ...change };
      },
      updateType: (type, change) => {
        this.#updateType(type, change);
      },
      emit: (event) => {
        this.#emit(event);
      },
      keptHostId: () => parts.keptHostId,
      platformKey: () => parts.settings.platformKey ?? parts.identity.registration?.platformKey,
      pinnedKeyId: () => {
        const key = this.#context.platformKey();
        return key === undefined ? undefined : keyId(key);
      },
      modules: () => modulesOf(parts.store),
      phase: () => this.#phase.phase,
      route: () => parts.client.route,
      drops: () => this.#drops(),
      cancelCollection: (type) => {
        this.#collection.cancel(type);
      },
      forgetType: (type) => {
        forgetType(this.#context, type);
      },
      countSent: (bytes) => {
        this.#totals.sentBytes += bytes;
      },
      countUpload: (rawBytes, _encodedBytes, chunks) => {
        this.#totals.count += 1;
        this.#totals.rawBytes += rawBytes;
        this.#totals.chunks += chunks;
      },
    };
  }

  #post(name: string, handle: () => void): void {
    this.#loop.post({ name, handle });
  }

  /** After every event: start what the facts call for, and wake up when they will call for more. */
  #replan(): void {
    const now = this.#parts.clock.now();
    const next = plan(this.#facts, now);
    if (next.uplink !== null) this.#startExchange(next.uplink);
    if (next.collect !== null) this.#collection.start(next.collect.type, next.collect.reason);
    this.#refreshPhase(now);
    const showAt = this.#context.conditions.nextChangeAt(now);
    const wakeAt = [next.wakeAt, showAt].filter((at) => at !== null);
    this.#cancelWake();
    if (wakeAt.length > 0) {
      this.#cancelWake = this.#parts.clock.at(Math.min(...wakeAt), () => {
        this.#post('timer', () => undefined);
      });
    }
  }

  #startExchange(step: UplinkStep): void {
    this.#context.update({ exchanging: step.step });
    this.#exchange = this.#perform(step).then(
      (apply) => {
        this.#post(step.step, () => {
          this.#context.update({ exchanging: null });
          apply();
        });
      },
      (error: unknown) => {
        this.#post(`${step.step} failed`, () => {
          this.#context.update({ exchanging: null });
          throw error;
        });
      },
    );
  }

  #perform(step: UplinkStep): Promise<Apply> {
    switch (step.step) {
      case 'provision':
        return provision(this.#context);
      case 'reprovision':
        return reprovision(this.#context);
      case 'profile':
        return fetchProfile(this.#context);
      case 'heartbeat':
        return heartbeat(this.#context);
      case 'manifest':
        return fetchManifest(this.#context, step.type);
      case 'upload':
        return uploadStep(this.#context, this.#upload);
      case 'records':
        return sendRecords(this.#context);
      case 'sync-check':
        return syncCheck(this.#context);
    }
  }

  /** An error that nobody expected, the store's among them: logged once, and tried again later, never in a loop. */
  #unexpected(event: string, error: unknown): void {
    const now = this.#parts.clock.now();
    const reason = error instanceof Error ? error.message : String(error);
    this.#parts.log.error(`${event}: ${error instanceof Error ? (error.stack ?? reason) : reason}`);
    const { uplink } = this.#facts;
    const nextAt = now + STORE_RETRY_MS;
    this.#context.update({ uplink: { ...uplink, nextAt }, diskNotBefore: nextAt });
    if (error instanceof StoreError && (error.code === 'FULL' || error.code === 'READONLY')) {
      this.#context.conditions.raise('DISK_FULL', now, { path: this.#parts.paths.dataDir, reason });
    }
  }

  #collectorMessage(message: FromCollector): void {
    if (message.kind === 'changed') this.#hostChanged(message.tables, message.reason);
    else if (message.kind === 'log') this.#parts.log[message.level](`collector: ${message.message}`);
    else if (message.kind !== 'ready') this.#collection.message(message);
  }

  #collectorDown(reason: string, inARow: number, restartAt: number): void {
    this.#parts.log.error(`collector ended: ${reason}; started again at ${toInstant(restartAt)}`);
    this.#context.update({ collectorUp: false });
    this.#collection.collectorDown(reason);
    const values = { times: String(inARow), reason, next: toInstant(restartAt) };
    this.#context.conditions.raise('COLLECTOR_DOWN', this.#parts.clock.now(), values);
  }

  /** Something on the host changed: the types whose manifests look at it get an early cycle (R026, R027). */
  #hostChanged(tables: readonly string[], reason: string): void {
    const types = this.#facts.activeTypes.filter((type) =>
      this.#facts.types[type]?.manifest?.tables.some((table) => tables.includes(table)),
    );
    if (types.length === 0) return;
    this.#parts.log.info(`${reason}: early cycle of ${types.join(', ')}`);
    this.#emit({ name: 'changed', types, reason });
    const gapSec = this.#facts.development.changeGapSec ?? CHANGE_GAP_SEC;
    this.#requestEach(types, (facts) => changeRequest(facts, this.#parts.clock.now(), gapSec));
  }

  #requestEach(
    types: readonly ManifestType[],
    request: (facts: TypeFacts) => ReturnType<typeof changeRequest>,
  ): void {
    for (const type of types) {
      const known = this.#facts.types[type];
      if (known !== undefined)
        this.#updateType(type, { requested: earlierRequest(known.requested, request(known)) });
    }
  }

  /** Changes a type's facts; what must outlive the process is written through. */
  #updateType(type: ManifestType, change: Partial<TypeFacts>): void {
    const before = this.#facts.types[type] ?? emptyTypeFacts;
    const after = { ...before, ...change };
    this.#facts = { ...this.#facts, types: { ...this.#facts.types, [type]: after } };
    const owed = owedCycle(after);
    if (owedCycle(before) !== owed || before.spreadMs !== after.spreadMs) {
      this.#parts.store.kv.set(`cycle:${type}`, { spreadMs: after.spreadMs, requested: owed });
    }
  }

  #drops(): Record<string, number> {
    const stats = this.#parts.store.events.stats();
    const dropped = stats[RECORDS_STREAM]?.dropped ?? 0;
    return dropped === 0 ? {} : { [RECORDS_STREAM]: dropped };
  }

  #derive(): DerivedPhase {
    const { clock } = this.#parts;
    const say = (ms: number): string => toInstant(ms).slice(11, 19) + ' UTC';
    return derivePhase(this.#facts, this.#context.conditions.all(), clock.now(), say);
  }

  #refreshPhase(now: number): void {
    const derived = this.#derive();
    const since = derived.phase === this.#phase.phase ? this.#phase.since : now;
    this.#phase = { ...derived, since };
    if (this.#watchers.size === 0 || this.#cancelStatus !== undefined) return;
    this.#cancelStatus = this.#parts.clock.at(now + STATUS_THROTTLE_MS, () => {
      this.#cancelStatus = undefined;
      const status = this.status();
      for (const watcher of this.#watchers) watcher.status(status);
    });
  }

  #emit(event: NewEvent): void {
    const stamped = { ...event, at: toInstant(this.#parts.clock.now()) };
    for (const watcher of this.#watchers) watcher.event(stamped);
  }

  #conditionChanged(code: ConditionCode, raised: boolean, text: string): void {
    if (raised) this.#parts.log.warn(`condition ${code}: ${text}`);
    else this.#parts.log.info(`condition ${code} cleared`);
    this.#emit({ name: 'condition', code, raised, text });
  }
}

/** The request that is still owed if the process ends now. */
function owedCycle({ requested, serving }: TypeFacts): TypeFacts['requested'] {
  return serving === null ? requested : earlierRequest(requested, serving);
}
