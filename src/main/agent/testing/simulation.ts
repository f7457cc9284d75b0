import type { ManifestType } from '../../../shared/modules.ts';
import { intervalMinutes, type Profile } from '../../../shared/profile.ts';
import { DAY, deb, MINUTE, Rig } from './rig.ts';
import { offsetOf, readsInside, remembered, rememberedClock } from '../../../../test/support/zones.ts';

/** A life of an agent: its profile, its zones, and what happens to it. `random` in [0, 1) decides what is left to chance. */
export interface Life {
  readonly days: number;
  readonly profile: Partial<Profile>;
  readonly modules: readonly string[];
  /** Zones in turn, another one every so many days. */
  readonly zones: readonly string[];
  readonly travelsEvery: number;
  /** Whether the laptop sleeps from 23:00 to 07:00 UTC. */
  readonly sleeps: boolean;
  /** Package changes, scans on demand and lost exchanges a day. */
  readonly changes: number;
  readonly demands: number;
  readonly losses: number;
  readonly random: () => number;
}

/** What came of a life. Everything that must not happen stands in `violations`, in words. */
export interface Lived {
  readonly heartbeats: number;
  readonly scans: Readonly<Record<string, number>>;
  readonly accepted: number;
  readonly refused: number;
  readonly deltas: number;
  readonly blackoutHours: number;
  readonly longestSilenceMin: number;
  readonly violations: readonly string[];
}

interface Spell {
  readonly from: number;
  readonly to: number;
}

/** Lives an agent with the real core and a real store, its platform, collector and clock being doubles. */
export async function live(life: Life): Promise<Lived> {
  const rig = new Rig(life.random);
  try {
    const simulation = new Simulation(rig, life);
    await simulation.run();
    return simulation.result();
  } finally {
    await rig.dispose();
  }
}

class Simulation {
  readonly #rig: Rig;
  readonly #life: Life;
  readonly #profile: Profile;
  readonly #violations: string[] = [];
  readonly #sleep: Spell[] = [];
  readonly #zones: { readonly from: number; readonly zone: string }[] = [];
  readonly #starts: { readonly type: ManifestType; readonly at: number; readonly reason: string }[] = [];
  readonly #ends = new Map<ManifestType, number>();
  readonly #born: number;
  #accepted = 0;
  #refused = 0;
  #n = 0;

  constructor(rig: Rig, life: Life) {
    this.#rig = rig;
    this.#life = life;
    rig.platform.modules = life.modules;
    rig.platform.profile = { ...rig.platform.profile, ...life.profile };
    this.#profile = rig.platform.profile;
    for (const type of [
      'Vulnerability',
      'PolicyCompliance',
      'UDC',
      'SCA',
      'AutoDiscovery',
      'MiddlewarePC',
      'PatchAssessment',
    ] as const) {
      rig.collector.host.set(type, [deb('bash')]);
    }
    this.#born = rig.clock.now();
  }

  async run(): Promise<void> {
    this.#travel(0);
    await this.#rig.start();
    this.#rig.core.watch({
      event: (event) => {
        if (event.name === 'collecting') this.#started(event.type as ManifestType, event.reason);
        if (event.name === 'uploaded') this.#ends.set(event.type as ManifestType, this.#rig.clock.now());
      },
    });
    for (let day = 0; day < this.#life.days; day += 1) {
      if (day > 0 && day % this.#life.travelsEvery === 0) this.#travel(day / this.#life.travelsEvery);
      await this.#day();
    }
  }

  /** A day in pieces of 15 to 120 minutes, with something happening between two of them. */
  async #day(): Promise<void> {
    const end = this.#rig.clock.now() + DAY;
    while (this.#rig.clock.now() < end) {
      const hour = new Date(this.#rig.clock.now()).getUTCHours();
      if (this.#life.sleeps && hour === 23) await this.#sleepEightHours();
      const piece = (15 + Math.floor(this.#life.random() * 105)) * MINUTE;
      await this.#happen(piece / DAY);
      await this.#rig.pass(Math.max(0, Math.min(piece, end - this.#rig.clock.now())));
      this.#rig.platform.straighten();
    }
  }

  async #sleepEightHours(): Promise<void> {
    const from = this.#rig.clock.now();
    await this.#rig.jump(8 * 60 * MINUTE);
    this.#sleep.push({ from, to: this.#rig.clock.now() });
  }

  async #happen(share: number): Promise<void> {
    const { random, changes, demands, losses } = this.#life;
    if (random() < changes * share) {
      this.#n += 1;
      for (const type of this.#rig.facts.activeTypes) {
        this.#rig.collector.host.set(type, [deb('bash'), deb('changed', this.#n)]);
      }
      this.#rig.collector.changed();
    }
    if (random() < losses * share) {
      this.#rig.platform.twist('heartbeat', {
        fail: { kind: 'transport', code: 'ECONNRESET', reason: 'lost' },
      });
    }
    if (random() < demands * share) {
      const answer = await this.#rig.core.demandScan({ type: 'Inventory', origin: 'administrator' });
      if ('accepted' in answer) this.#accepted += 1;
      else this.#refused += 1;
    }
  }

  #travel(times: number): void {
    const { zones } = this.#life;
    const zone = zones[times % zones.length] ?? 'UTC';
    this.#zones.push({ from: this.#rig.clock.now(), zone });
    this.#rig.offsetAt = remembered(offsetOf(zone));
  }

  /** Each start is held against the rules when it happens. */
  #started(type: ManifestType, reason: string): void {
    const at = this.#rig.clock.now();
    const { profile, pending } = this.#rig.facts;
    this.#starts.push({ type, at, reason });
    if (profile.suspendCollection) this.#violations.push(`${type} began while suspended`);
    if (pending !== null) this.#violations.push(`${type} began while an upload was pending`);
    const ended = this.#ends.get(type);
    if (reason !== 'interval' || ended === undefined) return;
    const spread = profile.scanDelayMin + (profile.scanRandomizeMin > 0 ? 1 : 0);
    const soonest = ended + (intervalMinutes(type, profile) + spread) * MINUTE;
    if (at < soonest)
      this.#violations.push(`${type} began ${String(soonest - at)} ms before its interval was over`);
  }

  result(): Lived {
    const { calls } = this.#rig.platform;
    const inside = this.#insideAt();
    for (const { call, at } of calls) {
      if (at > this.#born + MINUTE && inside(at))
        this.#violations.push(`${call} in a blackout at ${new Date(at).toISOString()}`);
    }
    const counts: Record<string, number> = {};
    for (const { type } of this.#starts) counts[type] = (counts[type] ?? 0) + 1;
    return {
      heartbeats: this.#rig.platform.of('heartbeat').length,
      scans: counts,
      accepted: this.#accepted,
      refused: this.#refused,
      deltas: this.#rig.platform.commits.length,
      ...this.#silence(inside),
      violations: this.#violations,
    };
  }

  /** Whether the clock on the wall of the zone of that moment stood in a window, by ICU. */
  #insideAt(): (at: number) => boolean {
    const clocks = this.#zones.map(({ from, zone }) => ({ from, wall: rememberedClock(zone) }));
    return (at) => {
      // What happened in the very millisecond of a journey happened before it.
      const clock = clocks.findLast(({ from }) => from < at) ?? clocks[0];
      return clock !== undefined && readsInside(this.#profile.blackoutWindows, clock.wall(at));
    };
  }

  /** Hours of blackout, and the longest time without a check-in in which the agent was awake and might have made one. */
  #silence(inside: (at: number) => boolean): Pick<Lived, 'blackoutHours' | 'longestSilenceMin'> {
    const beats = new Set(this.#rig.platform.of('heartbeat').map(({ at }) => Math.floor(at / MINUTE)));
    let [blackout, silence, longest] = [0, 0, 0];
    for (let at = this.#born + DAY; at < this.#rig.clock.now(); at += MINUTE) {
      const dark = inside(at);
      if (dark) blackout += 1;
      const asleep = this.#sleep.some(({ from, to }) => at >= from && at < to);
      silence = beats.has(Math.floor(at / MINUTE)) || dark || asleep ? 0 : silence + 1;
      longest = Math.max(longest, silence);
    }
    return { blackoutHours: Math.round(blackout / 60), longestSilenceMin: longest };
  }
}
