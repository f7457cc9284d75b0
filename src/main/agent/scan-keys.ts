import { isUnderWay, ON_DEMAND_TYPES, SCAN_CPU_LIMIT, type OnDemandType } from '../../shared/scan.ts';
import type { ScanKey, ScanKeys } from '../host/scan-keys/scan-keys.ts';
import type { Context } from './context.ts';
import { demandScan } from './demand.ts';
import { scanRefusal } from './schedule.ts';
import type { Post } from './surroundings.ts';

const TYPES = Object.values(ON_DEMAND_TYPES);

/** Values of ScanOnDemand (R181). */
const COMPLETED = 0;
const EXECUTE = 1;
const IN_PROGRESS = 2;

/**
 * Has scans begin by the keys of this host and keeps their values true (R178–R184; protocol, scheduler rules 7 and 8). What
 * counts is what stands there, not that it changed: the agent's own writing leads to nothing.
 */
export class ScanKeyDemands {
  readonly #keys: ScanKeys;
  readonly #context: Context;
  readonly #post: Post;
  /** The value of ScanOnDemand as last seen or set: a 1 that could not be set back is no new wish. */
  readonly #seen = new Map<OnDemandType, number | undefined>();
  /** Types whose value says that a scan is in progress. */
  readonly #inProgress = new Set<OnDemandType>();
  /** Types with a startup scan that this start of the service still owes. */
  #owed = new Set<OnDemandType>();
  #problems = new Set<string>();
  #endWatch: () => void = () => undefined;

  constructor(keys: ScanKeys, context: Context, post: Post) {
    this.#keys = keys;
    this.#context = context;
    this.#post = post;
  }

  /** Makes the root of the keys, looks at them, and follows them from now on. */
  start(): void {
    this.#try('the keys of scans can not be made', () => {
      this.#keys.prepare();
    });
    this.#endWatch = this.#keys.watch(() => {
      this.#post('scan keys changed', () => {
        this.#look();
      });
    });
    this.#post('scan keys', () => {
      const found = this.#look();
      this.#owed = new Set(TYPES.filter((type) => found.get(type)?.ScanOnStartup === 1));
    });
  }

  stop(): void {
    this.#endWatch();
  }

  /** After every event: says which scans have ended, and begins with a startup scan that is owed and may run (R182). */
  follow(): void {
    for (const type of this.#inProgress) {
      if (!this.#isInProgress(type)) this.#end(type);
    }
    for (const type of this.#owed) this.#startUp(type);
  }

  #look(): ReadonlyMap<OnDemandType, ScanKey> {
    const { keys, problems } = this.#keys.read();
    this.#say(problems);
    for (const type of TYPES) this.#take(type, keys.get(type) ?? {});
    return keys;
  }

  #take(type: OnDemandType, key: ScanKey): void {
    const before = this.#seen.get(type);
    this.#seen.set(type, key.ScanOnDemand);
    if (key.ScanOnDemand === EXECUTE && before !== EXECUTE) this.#execute(type, key);
    // What a run of the service left that ended before its scan did.
    if (key.ScanOnDemand === IN_PROGRESS && before !== IN_PROGRESS) this.#show(type);
  }

  /** A scan that was accepted for this key and is still owed, as after a crash, is the one that is asked for. */
  #execute(type: OnDemandType, key: ScanKey): void {
    const owed = this.#isInProgress(type) && !this.#inProgress.has(type);
    if (!owed) demandScan(this.#context, { type, cpuLimitPct: limitOf(key), origin: 'ScanOnDemand' });
    this.#show(type);
  }

  /** Sets the value to what is true now: in progress, or else completed, as after a refusal too. */
  #show(type: OnDemandType): void {
    const inProgress = this.#isInProgress(type);
    if (inProgress) this.#inProgress.add(type);
    else this.#inProgress.delete(type);
    this.#set(type, inProgress ? IN_PROGRESS : COMPLETED);
  }

  /** The scan has ended. Somebody may have asked for the next one meanwhile, or have taken the value away. */
  #end(type: OnDemandType): void {
    this.#inProgress.delete(type);
    if (this.#keys.read().keys.get(type)?.ScanOnDemand === IN_PROGRESS) {
      this.#seen.set(type, IN_PROGRESS);
      this.#set(type, COMPLETED);
    }
  }

  #set(type: OnDemandType, value: 0 | 2): void {
    this.#try(`${this.#keys.placeOf(type, 'ScanOnDemand')} can not be set to ${value}`, () => {
      if (this.#seen.get(type) !== value) this.#keys.setOnDemand(type, value);
      this.#seen.set(type, value);
    });
  }

  #isInProgress(type: OnDemandType): boolean {
    const demand = this.#context.facts().types[type]?.demand;
    return demand?.origin === 'ScanOnDemand' && isUnderWay(demand);
  }

  /** Waits for registration, profile and manifest, and for its turn; any other refusal is the answer for this start. */
  #startUp(type: OnDemandType): void {
    const facts = this.#context.facts();
    if (facts.profileVersion === 0) return;
    const refusal = scanRefusal(type, facts);
    if (refusal !== undefined && WAITS.has(refusal)) return;
    if (refusal === 'MODULE_NOT_ACTIVE' && !this.#heardFromPlatform()) return;
    this.#owed.delete(type);
    const cpuLimitPct = limitOf(this.#keys.read().keys.get(type) ?? {});
    demandScan(this.#context, { type, cpuLimitPct, origin: 'ScanOnStartup' });
  }

  /** Whether a heartbeat of this start told which modules are active. */
  #heardFromPlatform(): boolean {
    const { lastHeartbeatAt, startedAt } = this.#context.facts();
    return lastHeartbeatAt !== null && lastHeartbeatAt >= startedAt;
  }

  /** One condition per place that is not read, as long as that holds. */
  #say(problems: ReturnType<ScanKeys['read']>['problems']): void {
    const { conditions, clock } = this.#context;
    const places = new Set(problems.map(({ place }) => place));
    for (const place of this.#problems) if (!places.has(place)) conditions.clear('SCAN_KEY_INVALID', place);
    for (const { place, reason } of problems) {
      conditions.raise('SCAN_KEY_INVALID', clock.now(), { place, reason }, place);
    }
    this.#problems = places;
  }

  #try(what: string, work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#context.log.warn(`${what}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}

/** Refusals of a startup scan that pass by themselves. */
const WAITS = new Set(['NOT_PROVISIONED', 'NO_MANIFEST', 'COLLECTION_RUNNING', 'DELTA_PENDING']);

/** The limit of a key; missing or not valid it is that of scans by keys, a whole core (R180). */
function limitOf({ CpuLimit: limit }: ScanKey): number | undefined {
  return limit !== undefined && limit >= SCAN_CPU_LIMIT.min && limit <= SCAN_CPU_LIMIT.max
    ? limit
    : undefined;
}
