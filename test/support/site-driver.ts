import { withAdmin } from '../../src/platform/cli/commands.ts';
import type { HostPackages } from './host-packages.ts';
import type { SeededRandom } from './random.ts';
import type { Site } from './site.ts';

/** Who is killed. */
export const VICTIMS = ['agent', 'collector', 'platform'] as const;
export type Victim = (typeof VICTIMS)[number];

/** A collector that does not come up is not waited for longer than this, ms. */
const PATIENCE_MS = 4_000;

/** How long a killed platform may stay away, ms. */
const AWAY_MS = 600;

/** What was done to a site, for its summary and for what has to hold afterwards. */
export interface DrivenReport {
  /** What was done and how often. */
  readonly counts: Readonly<Record<string, number>>;
  /** Uploads that were under way, opened and not committed, when something was done. */
  readonly uploadsCut: number;
  /** Ids of the commands that the platform was told to give. */
  readonly commands: readonly { readonly id: string; readonly type: string }[];
  /** Every Host ID that the agent showed. */
  readonly hostIds: readonly string[];
}

/** Keeps a site busy and kills its processes: what every loop of disturbances has in common. */
export class SiteDriver {
  readonly site: Site;
  readonly random: SeededRandom;
  readonly #packages: HostPackages | undefined;
  readonly #counts: Record<string, number> = {};
  readonly #commands: { id: string; type: string }[] = [];
  readonly #hostIds = new Set<string>();
  #uploadsCut = 0;

  /** Without `packages` the host changes only by itself. */
  constructor(site: Site, random: SeededRandom, packages?: HostPackages) {
    this.site = site;
    this.random = random;
    this.#packages = packages;
  }

  get report(): DrivenReport {
    return {
      counts: this.#counts,
      uploadsCut: this.#uploadsCut,
      commands: this.#commands,
      hostIds: [...this.#hostIds],
    };
  }

  count(what: string): void {
    this.#counts[what] = (this.#counts[what] ?? 0) + 1;
  }

  /** Notes what the agent says of itself now. */
  async look(): Promise<void> {
    try {
      const { identity, pendingUpload } = await this.site.status();
      if (identity.hostId !== null) this.#hostIds.add(identity.hostId);
      if (pendingUpload !== null) this.#uploadsCut += 1;
    } catch {
      // It is starting.
    }
  }

  /** Kills with SIGKILL and starts again what was killed; the agent where there is no collector to kill. */
  async kill(wanted: Victim): Promise<void> {
    const collector = wanted === 'collector' ? await this.#collectorPid() : undefined;
    const victim = wanted === 'collector' && collector === undefined ? 'agent' : wanted;
    if (collector !== undefined) process.kill(collector, 'SIGKILL');
    else if (victim !== 'collector') await this.site.end(victim, 'SIGKILL');
    this.count(`kill ${victim}`);
    if (victim === 'agent') this.site.startAgent();
    if (victim !== 'platform') return;
    await pause(this.random.next() * AWAY_MS);
    await this.site.startPlatform();
  }

  async changeHost(): Promise<void> {
    if (this.#packages === undefined) return;
    await this.#packages.change((below) => this.random.below(below));
    this.count('host change');
  }

  giveCommand(): void {
    const [hostId] = this.#hostIds;
    if (hostId === undefined) return;
    const type = this.random.chance(0.3) ? 'RESYNC' : 'SYNC_CHECK';
    const queued = withAdmin(this.site.platformDir, (admin) => admin.command(hostId, type));
    if (queued !== undefined) this.#commands.push({ id: queued.id, type });
  }

  /** The collector's pid; `undefined` while the agent leaves it down, longer each time it got nothing done. */
  async #collectorPid(): Promise<number | undefined> {
    const pid = async (): Promise<number | undefined> =>
      (await this.site.status()).collector.pid ?? undefined;
    return this.site.until('a collector to kill', pid, PATIENCE_MS).catch(() => undefined);
  }
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
