import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPlatform, type PlatformOptions, type RunningPlatform } from '../../src/platform/platform.ts';
import { PlatformClient } from './platform-client.ts';

/** A platform on a temporary directory with a clock that only tests move. */
export class PlatformFixture {
  readonly dataDir = mkdtempSync(join(tmpdir(), 'wayfarer-platform-'));
  time = Date.parse('2026-11-20T12:00:00Z');
  readonly logged: string[] = [];
  customerId = '';
  activationId = '';
  #options: Partial<PlatformOptions> = {};
  #running: RunningPlatform | undefined;

  readonly now = (): number => this.time;

  get platform(): RunningPlatform {
    if (this.#running === undefined) throw new Error('the platform is not running');
    return this.#running;
  }

  async start(options: Partial<PlatformOptions> = this.#options): Promise<void> {
    this.#options = options;
    this.#running = await startPlatform({
      dataDir: this.dataDir,
      now: this.now,
      log: (level, message) => this.logged.push(`${level} ${message}`),
      ...options,
    });
    const { customer, key } = this.platform.admin.init();
    this.customerId = customer.id;
    this.activationId = key.id;
  }

  async stop(): Promise<void> {
    await this.#running?.close();
    this.#running = undefined;
  }

  async dispose(): Promise<void> {
    await this.stop();
    rmSync(this.dataDir, { recursive: true, force: true });
  }

  advance(seconds: number): void {
    this.time += seconds * 1000;
  }

  client(): PlatformClient {
    return new PlatformClient(this.platform, this.customerId, this.now);
  }

  /** A client that is provisioned with a key of these modules and tags. */
  async agent(
    modules: readonly string[] = ['AI', 'VM'],
    tags: readonly string[] = [],
  ): Promise<PlatformClient> {
    const key = this.platform.admin.createKey({
      title: 'Test key',
      modules: [...modules] as ['AI'],
      tags: [...tags],
    });
    const client = this.client();
    const reply = await client.provision(key.id);
    if (reply.status !== 201) throw new Error(`provisioning failed: ${reply.bytes.toString()}`);
    return client;
  }
}
