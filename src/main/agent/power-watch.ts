import type { ManifestType } from '../../shared/modules.ts';
import type { PowerState, ReadPower } from '../host/power/power.ts';
import type { Context } from './context.ts';
import type { Facts } from './facts.ts';
import { isForSomeone, nextCollection } from './schedule.ts';
import type { Post } from './surroundings.ts';

/** How long a look at the battery counts, ms. */
const LOOK_MS = 60_000;

/** What holds a scan back, and lets it go on. */
type Pause = (because: string | null) => void;

/**
 * Looks at the battery while a scheduled scan is due or under way, once a minute, and not at all otherwise: an idle host
 * is not woken for it.
 */
export class PowerWatch {
  readonly #context: Context;
  readonly #read: ReadPower;
  readonly #post: Post;
  readonly #pause: Pause;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #looking = false;

  constructor(context: Context, read: ReadPower, post: Post, pause: Pause) {
    this.#context = context;
    this.#read = read;
    this.#post = post;
    this.#pause = pause;
  }

  /** Whether this type may begin now: a scheduled scan waits for a look that is not older than a minute. */
  allows(type: ManifestType): boolean {
    if (!this.#counts(type) || this.#isFresh()) return true;
    this.#look();
    return false;
  }

  /**
   * After every event: looks again where that is due, and says whether something waits. Returns when to look next, ms
   * since the epoch, or `null`.
   */
  update(): number | null {
    const { facts, clock } = this.#context;
    const type = concerned(facts(), clock.now());
    const wanted = type !== undefined && this.#counts(type);
    this.#say(wanted ? type : undefined);
    if (!wanted) return null;
    if (!this.#isFresh()) this.#look();
    return this.#looking ? null : this.#lookedAt + LOOK_MS;
  }

  #counts(type: ManifestType): boolean {
    const { settings, facts } = this.#context;
    return settings.pauseBelowBatteryPct > 0 && !isForSomeone(facts().types[type]?.demand);
  }

  /** A clock that was set back makes a look stale. */
  #isFresh(): boolean {
    const age = this.#context.clock.now() - this.#lookedAt;
    return age >= 0 && age < LOOK_MS;
  }

  #look(): void {
    if (this.#looking) return;
    this.#looking = true;
    void this.#read().then((power) => {
      this.#post('power', () => {
        this.#looking = false;
        this.#lookedAt = this.#context.clock.now();
        this.#take(power);
      });
    });
  }

  #take(power: PowerState | undefined): void {
    const { settings, update, facts } = this.#context;
    const chargePct = power?.onBattery === true ? power.chargePct : null;
    const isLow = chargePct !== null && chargePct < settings.pauseBelowBatteryPct;
    update({ batteryLow: isLow ? { chargePct } : null });
    const { collecting } = facts();
    if (collecting !== null && this.#counts(collecting))
      this.#pause(isLow ? `the battery is at ${chargePct} %` : null);
  }

  #say(type: ManifestType | undefined): void {
    const { conditions, clock, facts, settings, paths } = this.#context;
    const { batteryLow } = facts();
    if (batteryLow === null || type === undefined) {
      conditions.clear('BATTERY_PAUSE');
      return;
    }
    conditions.raise('BATTERY_PAUSE', clock.now(), {
      charge: String(batteryLow.chargePct),
      limit: String(settings.pauseBelowBatteryPct),
      type,
      file: paths.settingsFile,
    });
  }
}

/** The scan that is under way, or would begin if the battery held nothing back. */
function concerned(facts: Facts, now: number): ManifestType | undefined {
  if (facts.collecting !== null) return facts.collecting;
  const next = nextCollection({ ...facts, batteryLow: null }, now);
  return 'collect' in next ? next.collect.type : undefined;
}
