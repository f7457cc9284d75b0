import type { AgentEvent } from '../../src/shared/control.ts';
import { ControlClient } from '../../src/main/control/client.ts';
import { withAdmin } from '../../src/platform/cli/commands.ts';
import type { HostPackages } from './host-packages.ts';
import type { SeededRandom } from './random.ts';
import type { Site } from './site.ts';

/** Who is killed. */
export const VICTIMS = ['agent', 'collector', 'platform'] as const;
export type Victim = (typeof VICTIMS)[number];

/** What a kill follows, by chance soon after: an event of the agent, or nothing at all. */
type Moment = AgentEvent['name'] | 'any time';

/** A moment, how long after it the kill comes at most (ms), and how often the moment is chosen. */
const MOMENTS: readonly { readonly after: Moment; readonly withinMs: number; readonly weight: number }[] = [
  { after: 'any time', withinMs: 1_500, weight: 3 },
  { after: 'collecting', withinMs: 400, weight: 3 },
  { after: 'collected', withinMs: 40, weight: 2 },
  { after: 'chunk', withinMs: 40, weight: 3 },
  { after: 'uploaded', withinMs: 60, weight: 3 },
  { after: 'checked in', withinMs: 60, weight: 1 },
  { after: 'in sync', withinMs: 20, weight: 1 },
  { after: 'command', withinMs: 10, weight: 1 },
];
const DRAWN = MOMENTS.flatMap((moment) => Array.from({ length: moment.weight }, () => moment));

/** A moment that does not come is not waited for longer than this, ms. */
const PATIENCE_MS = 4_000;

/** How long a killed platform may stay away, ms. */
const AWAY_MS = 600;

/** What a loop did, for its summary. */
export interface KillReport {
  readonly kills: Record<Victim, number>;
  /** Kills per moment that they followed; `late` counts the ones whose moment did not come. */
  readonly moments: Record<string, number>;
  /** Uploads that were under way, opened and not committed, when something was killed. */
  readonly uploadsCut: number;
  readonly hostChanges: number;
  /** Ids of the commands that the platform was told to give. */
  readonly commands: readonly { readonly id: string; readonly type: string }[];
  /** Every Host ID that the agent showed. */
  readonly hostIds: readonly string[];
}

/**
 * Kills agent, collector and platform of a site again and again, at moments that the random source chooses, starts what
 * was killed, changes packages of the host and asks for collections all the time. Both must run when it begins; both
 * run when it ends.
 */
export class KillLoop {
  readonly #site: Site;
  readonly #random: SeededRandom;
  readonly #packages: HostPackages | undefined;
  readonly #kills: Record<Victim, number> = { agent: 0, collector: 0, platform: 0 };
  readonly #moments: Record<string, number> = {};
  readonly #commands: { id: string; type: string }[] = [];
  readonly #hostIds = new Set<string>();
  #uploadsCut = 0;
  #hostChanges = 0;

  /** Without `packages` the host changes only by itself. */
  constructor(site: Site, random: SeededRandom, packages?: HostPackages) {
    this.#site = site;
    this.#random = random;
    this.#packages = packages;
  }

  async run(kills: number): Promise<KillReport> {
    for (let done = 0; done < kills; done += 1) await this.#round();
    return {
      kills: this.#kills,
      moments: this.#moments,
      uploadsCut: this.#uploadsCut,
      hostChanges: this.#hostChanges,
      commands: this.#commands,
      hostIds: [...this.#hostIds],
    };
  }

  async #round(): Promise<void> {
    const victim = this.#random.pick(VICTIMS);
    const moment = this.#random.pick(DRAWN);
    const delayMs = this.#random.next() * moment.withinMs;
    const hostChanges = this.#random.chance(0.5) ? this.#changeHost() : Promise.resolve();
    if (moment.after === 'command' || this.#random.chance(0.05)) this.#giveCommand();
    const came = moment.after === 'any time' || (await this.#untilEvent(moment.after));
    const label = came ? moment.after : 'late';
    this.#moments[label] = (this.#moments[label] ?? 0) + 1;
    await pause(delayMs);
    await this.#look();
    await this.#kill(victim);
    await hostChanges;
  }

  /** Waits for the next event of a kind while asking for collections; `false` when it did not come in time. */
  async #untilEvent(name: string): Promise<boolean> {
    const deadline = AbortSignal.timeout(PATIENCE_MS);
    while (!deadline.aborted) {
      try {
        const lines = new ControlClient(this.#site.paths.readEndpoint).watch(deadline);
        for await (const line of lines) {
          if (line.kind === 'snapshot') await this.#site.cycle();
          else if (line.kind === 'event' && line.event.name === name) return true;
        }
      } catch {
        // It is starting: the next attempt finds it.
      }
      await pause(30);
    }
    return false;
  }

  /** Notes what the agent says of itself just before the kill. */
  async #look(): Promise<void> {
    try {
      const { identity, pendingUpload } = await this.#site.status();
      if (identity.hostId !== null) this.#hostIds.add(identity.hostId);
      if (pendingUpload !== null) this.#uploadsCut += 1;
    } catch {
      // It is starting.
    }
  }

  async #kill(wanted: Victim): Promise<void> {
    const collector = wanted === 'collector' ? await this.#collectorPid() : undefined;
    const victim = wanted === 'collector' && collector === undefined ? 'agent' : wanted;
    if (collector !== undefined) process.kill(collector, 'SIGKILL');
    else if (victim !== 'collector') await this.#site.end(victim, 'SIGKILL');
    this.#kills[victim] += 1;
    if (victim === 'agent') this.#site.startAgent();
    if (victim !== 'platform') return;
    await pause(this.#random.next() * AWAY_MS);
    await this.#site.startPlatform();
  }

  /** The collector's pid; `undefined` while the agent leaves it down, longer each time it got nothing done. */
  async #collectorPid(): Promise<number | undefined> {
    const pid = async (): Promise<number | undefined> =>
      (await this.#site.status()).collector.pid ?? undefined;
    return this.#site.until('a collector to kill', pid, PATIENCE_MS).catch(() => undefined);
  }

  async #changeHost(): Promise<void> {
    if (this.#packages === undefined) return;
    await this.#packages.change((below) => this.#random.below(below));
    this.#hostChanges += 1;
  }

  #giveCommand(): void {
    const [hostId] = this.#hostIds;
    if (hostId === undefined) return;
    const type = this.#random.chance(0.3) ? 'RESYNC' : 'SYNC_CHECK';
    const queued = withAdmin(this.#site.platformDir, (admin) => admin.command(hostId, type));
    if (queued !== undefined) this.#commands.push({ id: queued.id, type });
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
