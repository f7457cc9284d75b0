import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { AgentEvent } from '../../../shared/control.ts';
import type { ManifestType } from '../../../shared/modules.ts';
import type { LogLevel, Profile } from '../../../shared/profile.ts';
import type { Item } from '../../../shared/rows.ts';
import type { AgentStatus } from '../../../shared/status.ts';
import type { OffsetAt } from '../../../shared/weekly-windows.ts';
import { makeItem } from '../../../wire/item.ts';
import type { Random } from '../../clock.ts';
import { resolvePaths, type Paths } from '../../host/paths.ts';
import type { PowerState } from '../../host/power/power.ts';
import type { RouteAttempt } from '../../../shared/proxy.ts';
import { resolveSettings, type Settings } from '../../host/settings.ts';
import type { AgentCore } from '../core.ts';
import type { DevelopmentIntervals, Facts } from '../facts.ts';
import { openCore } from '../open-core.ts';
import { FakeAgentId } from './fake-agentid.ts';
import { FakeClock } from './fake-clock.ts';
import { FakeCollector } from './fake-collector.ts';
import { FakeNetwork } from './fake-network.ts';
import { FakePlatform } from './fake-platform.ts';
import { FakeScanKeys } from './fake-scan-keys.ts';
import { FakeSensor } from './fake-sensor.ts';

/** In memory where there is such a place: what these tests show does not hang on a disk. */
const SCRATCH = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

const ACTIVATION = '22222222-2222-4222-8222-222222222222';

export const MINUTE = 60_000;
export const DAY = 24 * 60 * MINUTE;

/** An item of table `deb`. */
export const deb = (name: string, version: string | number = 1): Item => makeItem('deb', name, { version });

/** Everything around one agent core: a real store in a directory of its own, and doubles for all else. */
export class Rig {
  readonly clock = new FakeClock();
  readonly platform = new FakePlatform(this.clock.now);
  readonly collector = new FakeCollector();
  readonly sensor = new FakeSensor(this.clock);
  readonly network = new FakeNetwork();
  readonly agentId = new FakeAgentId();
  /** The host's power, and how often the core looked at it. */
  power: PowerState | undefined;
  powerLooks = 0;
  readonly scanKeys = new FakeScanKeys();
  caFileProblem: string | undefined;
  /** The ways that were tried last. */
  readonly attempts: RouteAttempt[] = [];
  /** What the core is told when the proxy settings change. */
  changeProxies: () => void = () => undefined;
  /** How often the core ended its connections to look for its route anew. */
  reconnects = 0;
  readonly events: AgentEvent[] = [];
  readonly lines: string[] = [];
  /** Reasons for which the core wanted its process to end. */
  readonly fatal: string[] = [];
  readonly random: Random;
  root: string;
  settings: Settings;
  development: DevelopmentIntervals = {};
  clockOffsetSec = 0;
  /** The zone of the host. */
  offsetAt: OffsetAt = () => 0;
  /** The level that the core set. */
  logLevel: LogLevel | undefined;
  /** Why the log can't be written, as the core is told. */
  logTrouble: string | null = null;
  #core: AgentCore | undefined;
  #close: () => Promise<void> = () => Promise.resolve();
  #life = { alive: false };
  #uuids = 0;

  constructor(next: () => number = () => 0.5) {
    this.root = mkdtempSync(join(SCRATCH, 'wayfarer-core-'));
    this.random = {
      next,
      uuid: () => `00000000-0000-4000-8000-${String((this.#uuids += 1)).padStart(12, '0')}`,
    };
    this.settings = {
      ...resolveSettings([]),
      customerId: this.platform.customerId,
      activationId: ACTIVATION,
      webServiceUri: 'https://platform.example/CloudAgent/',
      missing: [],
    };
    this.collector.host.set('Inventory', [deb('bash'), deb('curl')]);
  }

  get paths(): Paths {
    return resolvePaths('linux', this.root, {});
  }

  get core(): AgentCore {
    if (this.#core === undefined) throw new Error('the agent is not running');
    return this.#core;
  }

  get facts(): Facts {
    return this.core.context.facts();
  }

  get status(): AgentStatus {
    return this.core.status();
  }

  /** Codes of the conditions that people see. */
  get conditions(): string[] {
    return this.status.conditions.map((condition) => condition.code);
  }

  /** Starts the agent on what is on the disk, and lets it do what it can at this moment. */
  async start(): Promise<void> {
    await this.begin();
    await this.settle();
  }

  /** As `start`, but returns before anything was exchanged. */
  async begin(): Promise<void> {
    for (const dir of [this.paths.dataDir, join(this.root, 'etc/wayfarer')])
      mkdirSync(dir, { recursive: true });
    const life = { alive: true };
    const write = (line: string): void => {
      this.lines.push(line);
    };
    const opened = await openCore(
      {
        paths: this.paths,
        settings: this.settings,
        clock: this.clock,
        random: this.random,
        log: {
          error: write,
          warn: write,
          info: write,
          debug: write,
          trace: write,
          setLevel: (level) => {
            this.logLevel = level;
          },
          trouble: () => this.logTrouble,
        },
        startCollector: this.collector.start,
        startSensor: this.sensor.start,
        startAgentId: this.agentId.start,
        fatal: (reason) => {
          this.fatal.push(reason);
        },
        development: this.development,
      },
      {
        readHost: () => Promise.resolve(HOST),
        connect: (_, { caller }) => ({
          platform: this.platform.port(
            () => caller().agentId,
            () => life.alive,
          ),
          client: {
            route: 'direct',
            lastAttempts: this.attempts,
            clockOffsetSec: this.clockOffsetSec,
            close: () => Promise.resolve(),
          },
          caFileProblem: () => this.caFileProblem,
          reconnect: () => {
            this.reconnects += 1;
          },
          watchSettings: (changed) => {
            this.changeProxies = () => {
              changed('the proxy settings changed');
            };
            return () => {
              this.changeProxies = () => undefined;
            };
          },
        }),
        openNetwork: () => this.network,
        openLocalTime: () => ({ offsetAt: (ms) => this.offsetAt(ms) }),
        readPower: () => {
          this.powerLooks += 1;
          return Promise.resolve(this.power);
        },
        openScanKeys: () => this.scanKeys,
      },
    );
    this.#core = opened.core;
    this.#close = opened.close;
    this.#life = life;
    opened.core.watch({ event: (event) => this.events.push(event) });
    await opened.core.start();
  }

  /** Edits the profile as an administrator does: the agent learns of it with its next heartbeat. */
  changeProfile(change: Partial<Profile>): void {
    this.platform.profile = { ...this.platform.profile, ...change };
    this.platform.profileVersion += 1;
  }

  /** Ends the agent as SIGTERM does. */
  async stop(): Promise<void> {
    await this.#close();
    this.#core = undefined;
  }

  /** Ends the agent as SIGKILL does: what is on the disk at this moment is what the next start finds. */
  async kill(): Promise<void> {
    const old = this.root;
    this.root = mkdtempSync(join(SCRATCH, 'wayfarer-core-'));
    cpSync(old, this.root, { recursive: true });
    this.#life.alive = false;
    this.clock.clear();
    await this.stop();
    this.clock.clear();
    rmSync(old, { recursive: true });
  }

  async dispose(): Promise<void> {
    if (this.#core !== undefined) await this.stop();
    rmSync(this.root, { recursive: true, force: true });
  }

  /** Lets the agent work until it waits for its clock, its collector or an answer that the test holds back. */
  async settle(): Promise<void> {
    let quiet = 0;
    for (let turn = 0; turn < 2_000_000; turn += 1) {
      const before = this.core.context.facts();
      await nextTurn();
      const facts = this.core.context.facts();
      // Without a collector it waits for the next one, which a timer starts.
      const collects = facts.collecting !== null && facts.collectorUp;
      const sealing = collects && this.collector.behaviour === 'answers';
      quiet = facts === before && facts.exchanging === null && !sealing ? quiet + 1 : 0;
      if (quiet > 3) return;
    }
    throw new Error('the agent does not come to rest');
  }

  /** Runs only as long as `done` is not true: for exchanges that a test holds back. */
  async until(done: () => boolean): Promise<void> {
    for (let turn = 0; turn < 2_000_000; turn += 1) {
      if (done()) return;
      await nextTurn();
    }
    throw new Error('it did not happen');
  }

  /** Lets time pass as on a machine that is awake: every timer fires when it is due. */
  async pass(ms: number): Promise<void> {
    const end = this.clock.now() + ms;
    for (let steps = 0; steps < 10_000; steps += 1) {
      const next = this.clock.nextAt;
      if (next === undefined || next > end) break;
      this.clock.jumpTo(Math.max(next, this.clock.now()));
      await this.settle();
    }
    this.clock.jumpTo(end);
    await this.settle();
  }

  /** Sets the clock, forward as sleep does, or back. */
  async jump(ms: number): Promise<void> {
    this.clock.jumpTo(this.clock.now() + ms);
    await this.settle();
  }

  /** Whether both sides hold the host's rows of a type. */
  inSync(type: ManifestType = 'Inventory'): boolean {
    const sorted = (items: readonly Item[]): string =>
      items
        .map((item) => item.hash)
        .sort()
        .join();
    return sorted(this.platform.itemsOf(type)) === sorted(this.collector.host.get(type) ?? []);
  }
}

const HOST = {
  hostname: 'laptop-1',
  fqdn: 'laptop-1.example.org',
  netbios: 'LAPTOP-1',
  os: 'Debian GNU/Linux',
  osVersion: '12',
  arch: 'x64',
  macs: [],
  ips: [],
  fingerprint: 'a'.repeat(64),
  fingerprintSources: ['machine-id'],
};
