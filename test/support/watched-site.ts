import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withAdmin } from '../../src/platform/cli/commands.ts';
import { HostEvent, type FimEvent } from '../../src/shared/host-events.ts';
import { Site } from './site.ts';

/** Events of one look at the store. */
const PER_LOOK = 1_000;

/** A platform and an agent that watches one tree of this host (FIM, EDR), each in processes of its own. */
export class WatchedSite {
  readonly site = new Site();
  /** Everything below is removed with `close`. */
  readonly dir = mkdtempSync(join(tmpdir(), 'wayfarer-watched-'));
  readonly tree = join(this.dir, 'tree');
  #activationId = '';
  readonly #arrived: HostEvent[] = [];
  #arrivals = 0;

  /** Starts both with a rule on the tree; `edr` are the tasks of the EDR manifest. Resolves once the tree is watched. */
  async start(edr: readonly unknown[] = []): Promise<void> {
    mkdirSync(this.tree);
    writeFileSync(join(this.tree, 'kept'), 'kept\n');
    await this.site.startPlatform();
    const rule = { kind: 'directory', path: this.tree, severity: 'high', diff: true };
    await this.#manifest('FIM', [{ id: 'tree', table: 'file_integrity', params: rule }]);
    await this.#manifest('EDR', edr);
    const { site } = this;
    const key = ['keys', 'create', '--title', 'Watched', '--modules', 'AI,FIM,EDR'];
    this.#activationId = (await site.platform<{ id: string }>(...key)).id;
    // Small payloads, since they leave at once; of processes not the smallest, since a busy host starts more than those carry.
    await this.profile('fimEnabled=true', 'edrEnabled=true', 'fimPayloadKb=1', 'edrPayloadKb=4');
    this.startAgent();
    await this.watching();
  }

  startAgent(): void {
    this.site.startAgent({ WAYFARER_ACTIVATION_ID: this.#activationId });
  }

  /** Waits until the baseline is complete. */
  async watching(): Promise<void> {
    await this.site.until('the rules are watched', async () => {
      const { sensor } = await this.site.status();
      return sensor.fim?.baseline.state === 'complete' ? true : undefined;
    });
  }

  async profile(...settings: string[]): Promise<void> {
    const [first] = await this.site.platform<{ profile: { id: string } }[]>('profiles', 'list');
    await this.site.platform('profiles', 'edit', first?.profile.id ?? '', ...settings);
  }

  /** Every event that the platform stored, in the order of arrival. The platform may run or not. */
  arrived(): readonly HostEvent[] {
    withAdmin(this.site.platformDir, (admin) => {
      for (;;) {
        const found = admin.arrivedEvents({ limit: PER_LOOK }, this.#arrivals);
        for (const { record } of found) this.#arrived.push(HostEvent.parse(JSON.parse(record)));
        const last = found.at(-1);
        if (last === undefined) return;
        this.#arrivals = last.n;
      }
    });
    return this.#arrived;
  }

  /** The changes of files among them. */
  changes(): FimEvent[] {
    return this.arrived().filter((event): event is FimEvent => event.event.module === 'fim');
  }

  async close(): Promise<void> {
    await this.site.close();
    rmSync(this.dir, { recursive: true, force: true });
  }

  async #manifest(type: string, tasks: readonly unknown[]): Promise<void> {
    const file = join(this.dir, `${type}.json`);
    writeFileSync(file, JSON.stringify({ tasks }));
    await this.site.platform('manifests', 'set', type, '--file', file);
  }
}
