import type { AgentEvent, CycleReply, CycleRequest, ProfileReply } from '../../shared/control.ts';
import type { ManifestType } from '../../shared/modules.ts';
import type { AgentStatus } from '../../shared/status.ts';
import { isDiskRefusal, StoreError } from '../queue/store-error.ts';
import type { ProxyProblem } from '../uplink/proxy/candidate.ts';
import type { TriedRoute } from '../uplink/route.ts';
import { followQuietTimes } from './blackout.ts';
import { clockStepped } from './clock-step.ts';
import { Collecting } from './collecting.ts';
import type { Context } from './context.ts';
import { createContext, type CoreParts } from './create-context.ts';
import { loadDocuments } from './documents.ts';
import { demandScan, settleDemands, type ScanAnswer, type ScanWish } from './demand.ts';
import { FactBook } from './fact-book.ts';
import { followLog, nextLevelChangeAt } from './log-level.ts';
import { OwnerLoop } from './loop.ts';
import { perform, type Sending } from './perform.ts';
import { plan, type Plan, type UplinkStep } from './plan.ts';
import { QuietTimesCache, type QuietTimes } from './quiet-times.ts';
import { provisionNow, type ProvisionNowAnswer } from './provision-now.ts';
import { profileReport } from './profile-report.ts';
import { Publisher, type Watcher } from './publisher.ts';
import { PowerWatch } from './power-watch.ts';
import { buildStatus, type UploadTotals } from './report.ts';
import type { RecentHostEvents } from './recent-host-events.ts';
import { resumeReprovision } from './reprovision.ts';
import { noteCaFile, RouteConditions } from './route-conditions.ts';
import { ScanKeyDemands } from './scan-keys.ts';
import type { ScanMerge } from './scan-merge.ts';
import { openScanMerge, scanMergeWish } from './scan-merge-wish.ts';
import { collectionRefusal } from './schedule.ts';
import { derivePhase, wallTime, type DerivedPhase } from './status.ts';
import { Sensing } from './sensing.ts';
import { SettingConditions } from './setting-conditions.ts';
import { noteMeteredWait, Surroundings, type Post } from './surroundings.ts';
import { goQuiet } from './uninstall.ts';

/** After an error that nobody expected, nothing new is tried for this long, s. */
const UNEXPECTED_PAUSE_SEC = 60;

/**
 * The agent core: one loop owns the facts, a pure plan says what to start, and what was started comes back as an event
 * (architecture, "The core"). Everything it touches is a port, so that tests step it with a clock of their own.
 */
export class AgentCore {
  readonly #parts: CoreParts;
  readonly #book: FactBook;
  readonly #publisher: Publisher;
  readonly #context: Context;
  readonly #loop: OwnerLoop;
  readonly #collecting: Collecting;
  readonly #sensing: Sensing;
  readonly #surroundings: Surroundings;
  readonly #routes: RouteConditions;
  readonly #scanMerge: ScanMerge;
  readonly #power: PowerWatch;
  readonly #scanKeys: ScanKeyDemands;
  /** For the host that opens the core: what is wrong with the settings that it starts with. */
  readonly settingConditions: SettingConditions;
  readonly #sending: Sending = { upload: { held: undefined }, payloads: new Map() };
  readonly #quiet = new QuietTimesCache();
  readonly #totals: UploadTotals = { count: 0, rawBytes: 0, sentBytes: 0, chunks: 0 };
  #phase: DerivedPhase & { since: number };
  /** The wall clock at the last event. */
  #seenAt: number;
  #cancelWake: () => void = () => undefined;
  #exchange: Promise<void> = Promise.resolve();

  constructor(parts: CoreParts) {
    this.#parts = parts;
    this.#book = new FactBook(parts.facts, parts.store.kv);
    this.#publisher = new Publisher(
      parts.clock,
      () => this.status(),
      (error) => {
        parts.log.error(`status not handed on: ${error instanceof Error ? error.message : String(error)}`);
      },
    );
    this.#seenAt = parts.clock.now();
    this.#context = createContext(parts, {
      book: this.#book,
      publisher: this.#publisher,
      totals: this.#totals,
      phase: () => this.#phase.phase,
      cancelCollection: (type) => {
        this.#collecting.cancel(type);
      },
    });
    this.#phase = { ...this.#derivePhase(), since: parts.clock.now() };
    this.#loop = new OwnerLoop(
      () => {
        this.#replan();
      },
      (event, error) => {
        this.#unexpected(event, error);
      },
    );
    const post: Post = (name, handle) => {
      this.#post(name, handle);
    };
    this.#surroundings = new Surroundings(parts.around, this.#context, post);
    this.#routes = new RouteConditions(this.#context);
    this.settingConditions = new SettingConditions(this.#context);
    this.#scanMerge = openScanMerge(this.#context, parts.startAgentId, post);
    this.#scanKeys = new ScanKeyDemands(parts.scanKeys, this.#context, post);
    this.#collecting = new Collecting(this.#context, this.#book, parts.startCollector, post);
    this.#sensing = new Sensing(this.#context, parts.startSensor, post);
    this.#power = new PowerWatch(this.#context, parts.readPower, post, (because) => {
      this.#collecting.pause(because);
    });
  }

  /** The ports and facts that steps work with: for the host that opens the core. */
  get context(): Context {
    return this.#context;
  }

  /** Loads what the last run left and begins. */
  async start(): Promise<void> {
    const { provisioned, activeTypes } = this.#book.facts;
    if (provisioned) await loadDocuments(this.#context, activeTypes);
    await this.#surroundings.start();
    this.#collecting.start();
    this.#post('start', () => {
      if (this.#book.facts.uninstalled) goQuiet(this.#context);
      else resumeReprovision(this.#context);
    });
    this.#scanKeys.start();
  }

  /** Ends cleanly: nothing new starts, the exchange under way may finish, the collector is stopped. */
  async stop(): Promise<void> {
    this.#cancelWake();
    this.#publisher.stop();
    this.#scanKeys.stop();
    this.#loop.stop();
    const parts = [this.#collecting, this.#sensing, this.#surroundings, this.#scanMerge];
    await Promise.all(parts.map((part) => part.stop()));
    await this.#exchange;
  }

  status(): AgentStatus {
    return buildStatus(this.#context, {
      phase: this.#phase,
      since: this.#phase.since,
      collector: this.#collecting.process,
      sensor: this.#sensing.process,
      clockOffsetSec: this.#parts.client.clockOffsetSec,
      routes: this.#parts.client.lastAttempts,
      scanMerge: this.#scanMerge.state,
      totals: this.#totals,
      quiet: this.#quietTimes(),
    });
  }

  profile(): ProfileReply {
    return profileReport(this.#book.facts);
  }

  /** Begins with an attempt to register, at once where the facts allow one. */
  provisionNow(): ProvisionNowAnswer {
    const answer = provisionNow(this.#context);
    if ('attempt' in answer) this.#post('provisioning asked for', answer.attempt);
    return answer;
  }

  recentEvents(): AgentEvent[] {
    return this.#publisher.recent();
  }

  /** The newest events of files and processes, and every new one. */
  get hostEvents(): Pick<RecentHostEvents, 'of' | 'watch'> {
    return this.#sensing.recent;
  }

  watch(watcher: Watcher): () => void {
    return this.#publisher.watch(watcher);
  }

  /** Takes what a new connection tried, empty where one that was still open served, and what is wrong with CaFile. */
  routesTried(
    tried: readonly TriedRoute[],
    problems: readonly ProxyProblem[],
    caFileProblem: string | undefined,
  ): void {
    if (tried.length === 0) return;
    this.#post('routes tried', () => {
      this.#routes.note(tried, problems);
      noteCaFile(this.#context, caFileProblem);
    });
  }

  /** Takes what is wrong with settings that were read again while those of the start stay in force. */
  settingsRead(found: Parameters<SettingConditions['note']>[0]): void {
    this.#post('settings read', () => {
      if (this.#book.facts.configured) this.settingConditions.refused(found);
      else this.settingConditions.note(found);
    });
  }

  /** Asks for collections now: of the given types, or of every one that can be collected. Answers why not, per type. */
  requestCycle(request: CycleRequest): CycleReply {
    const refused: Record<string, string> = {};
    const accepted: ManifestType[] = [];
    for (const type of request.types ?? this.#book.facts.activeTypes) {
      const reason = collectionRefusal(type, this.#book.facts);
      if (reason === undefined) accepted.push(type);
      else refused[type] = reason;
    }
    this.#post('cycle requested', () => {
      this.#book.request(accepted, () => ({ reason: 'request', notBefore: this.#parts.clock.now() }));
    });
    return { accepted, refused };
  }

  /** Decides on a scan that somebody asks for, at once, and begins with it if it is accepted. */
  demandScan(wish: ScanWish): Promise<ScanAnswer> {
    return new Promise((resolve, reject) => {
      this.#post('scan demanded', () => {
        try {
          resolve(demandScan(this.#context, wish));
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
          throw error;
        }
      });
    });
  }

  #post(name: string, handle: () => void): void {
    this.#loop.post({
      name,
      handle: () => {
        this.#followClock();
        handle();
      },
    });
  }

  /** A clock that was set back takes everything along that waits for it; forward it is the same as sleep. */
  #followClock(): void {
    const now = this.#parts.clock.now();
    const step = now - this.#seenAt;
    this.#seenAt = now;
    if (step >= 0) return;
    this.#parts.log.warn(`the clock of this host was set back by ${Math.round(-step / 1000)} s`);
    this.#book.update(clockStepped(this.#book.facts, step));
    this.#context.conditions.clockStepped(step);
    this.#phase = { ...this.#phase, since: this.#phase.since + step };
  }

  #quietTimes(): QuietTimes {
    const { profile, activeTypes } = this.#book.facts;
    const { clock, localTime } = this.#context;
    return this.#quiet.at(profile, activeTypes, clock.now(), localTime.offsetAt);
  }

  /** After every event: start what the facts call for, and wake up when they will call for more. */
  #replan(): void {
    const now = this.#parts.clock.now();
    this.#scanKeys.follow();
    this.#sensing.follow();
    const quietUntil = followQuietTimes(this.#context, this.#quiet, this.#parts.around.reconnect);
    const next = plan(this.#book.facts, now);
    followLog(this.#context);
    settleDemands(this.#context);
    this.#collecting.follow();
    if (next.uplink !== null) this.#startExchange(next.uplink);
    if (next.collect !== null && this.#power.allows(next.collect.type)) this.#startCollection(next.collect);
    const powerAt = this.#power.update();
    noteMeteredWait(this.#context);
    this.#scanMerge.update(scanMergeWish(this.#context, this.#surroundings.network));
    const derived = this.#derivePhase();
    this.#phase = { ...derived, since: derived.phase === this.#phase.phase ? this.#phase.since : now };
    this.#publisher.changed();
    this.#wakeAt([
      next.wakeAt,
      quietUntil,
      powerAt,
      this.#context.conditions.nextChangeAt(now),
      nextLevelChangeAt(this.#book.facts.levelOverride, now),
    ]);
  }

  #wakeAt(moments: readonly (number | null)[]): void {
    this.#cancelWake();
    const known = moments.filter((at) => at !== null);
    if (known.length === 0) return;
    this.#cancelWake = this.#parts.clock.at(Math.min(...known), () => {
      this.#post('timer', () => undefined);
    });
  }

  #startExchange(step: UplinkStep): void {
    this.#book.update({ exchanging: step.step });
    this.#exchange = perform(step, this.#context, this.#sending).then(
      (apply) => {
        this.#post(step.step, () => {
          this.#book.update({ exchanging: null });
          apply();
        });
      },
      (error: unknown) => {
        this.#post(`${step.step} failed`, () => {
          this.#book.update({ exchanging: null });
          throw error;
        });
      },
    );
  }

  /** The database is written to when a collection starts, and may refuse. */
  #startCollection(collect: NonNullable<Plan['collect']>): void {
    try {
      this.#collecting.begin(collect);
    } catch (error) {
      this.#unexpected(`collection of ${collect.type}`, error);
      this.#post('collection not started', () => undefined);
    }
  }

  /** An error that nobody expected, the disk's among them: logged once, and tried again later, never in a loop. */
  #unexpected(event: string, error: unknown): void {
    const { log, clock, paths } = this.#parts;
    const now = clock.now();
    const reason = error instanceof Error ? error.message : String(error);
    log.error(`${event}: ${error instanceof Error ? (error.stack ?? reason) : reason}`);
    const pauseSec = this.#book.facts.development.retrySec ?? UNEXPECTED_PAUSE_SEC;
    const nextAt = now + pauseSec * 1000;
    this.#book.update({ pausedUntil: nextAt, diskNotBefore: nextAt });
    if (error instanceof StoreError && error.code === 'CORRUPT') this.#parts.fatal(reason);
    if (isDiskRefusal(error)) {
      this.#context.conditions.raise('DISK_FULL', now, { path: paths.dataDir, reason }, 'state');
    }
  }

  #derivePhase(): DerivedPhase {
    const now = this.#parts.clock.now();
    const { offsetAt } = this.#context.localTime;
    const say = (ms: number): string => wallTime(ms, now, offsetAt);
    return derivePhase(this.#book.facts, this.#context.conditions.all(), now, say);
  }
}
