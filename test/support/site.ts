import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ControlClient } from '../../src/main/control/client.ts';
import { FRUGAL_ARGV, FRUGAL_ENVIRONMENT } from '../../src/main/host/frugal-runtime.ts';
import { resolvePaths, type Paths } from '../../src/main/host/paths.ts';
import type { AgentStatus } from '../../src/shared/status.ts';
import { Running, runNode, type Outcome } from './run.ts';
import { until } from './until.ts';

/** What `wayfarer-platform show HOST` says, as far as tests look at it. */
export interface ShownAgent {
  readonly id: string;
  readonly types: Readonly<
    Record<
      string,
      { seq: number; root: string; rows: number; tables: Record<string, number>; processed: unknown }
    >
  >;
}

/** A finding as `wayfarer-platform findings HOST` prints it. */
export interface ShownFinding {
  readonly status: string;
  readonly package: string;
  readonly cves: readonly string[];
}

/**
 * A whole installation on this machine: the embedded platform and the agent as real processes under one temporary root,
 * with the host's own data. Intervals are shortened by the development switch that the agent names in its status.
 */
export class Site {
  readonly root: string;
  readonly paths: Paths;
  readonly environment: NodeJS.ProcessEnv;
  #platform: Running | undefined;
  #agent: Running | undefined;
  #settings: Record<string, string> = {};
  /** Everything the two processes wrote to stderr. */
  readonly output: string[] = [];
  /** What is run as the agent: the source, or its bundle. */
  service: readonly string[] = ['src/main/service.ts'];
  /** What runs the agent: the runtime of the tests, or a copy, whose pages it shares with nobody but its collector. */
  runtime: string = process.execPath;
  /** What the agent's command line stands behind: nothing, or a program that puts it into a network of its own. */
  agentPrefix: readonly string[] = [];
  /** What is run as the platform: the shipped one, or one with the same first line of output. */
  serve: readonly string[] = ['src/platform/cli.ts', 'serve', '--json'];

  constructor(environment: NodeJS.ProcessEnv = {}) {
    this.root = mkdtempSync(join(tmpdir(), 'wf-'));
    this.paths = resolvePaths(process.platform, this.root, {});
    this.environment = {
      ...process.env,
      WAYFARER_ROOT: this.root,
      WAYFARER_DEV_INTERVALS:
        'statusIntervalSec=1,deltaUploadIntervalSec=0,changeGapSec=0,retrySec=0.2,samplesApartSec=2',
      ...environment,
    };
  }

  /** Starts the platform; the first time it also makes customer, activation key and a profile that does not pace. */
  async startPlatform(...args: string[]): Promise<void> {
    if (this.#settings['WAYFARER_CUSTOMER_ID'] === undefined) {
      const ids = await this.platform<{ customerId: string; activationId: string }>('init');
      this.#settings = { WAYFARER_CUSTOMER_ID: ids.customerId, WAYFARER_ACTIVATION_ID: ids.activationId };
    }
    const ready = JSON.parse(await this.#serve(args)) as {
      url: string;
      caFile: string;
      platformKey: string;
    };
    this.#settings = {
      ...this.#settings,
      WAYFARER_WEB_SERVICE_URI: ready.url,
      WAYFARER_CA_FILE: ready.caFile,
      WAYFARER_PLATFORM_KEY: ready.platformKey,
    };
  }

  startAgent(environment: NodeJS.ProcessEnv = {}): void {
    const [file = this.runtime, ...args] = [
      ...this.agentPrefix,
      this.runtime,
      ...FRUGAL_ARGV,
      ...this.service,
    ];
    this.#agent = this.#start(file, args, { ...FRUGAL_ENVIRONMENT, ...this.#settings, ...environment });
  }

  /** Base URL that the agent is given for the platform. */
  get platformUrl(): string {
    return this.#settings['WAYFARER_WEB_SERVICE_URI'] ?? '';
  }

  get agentPid(): number {
    return this.#agent?.pid ?? 0;
  }

  get platformPid(): number {
    return this.#platform?.pid ?? 0;
  }

  /** Sends a signal and waits until the process is gone; its exit code. */
  async end(which: 'agent' | 'platform', signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    const running = which === 'agent' ? this.#agent : this.#platform;
    return (await running?.end(signal)) ?? null;
  }

  /** Directory of the platform's data. */
  get platformDir(): string {
    return join(this.root, 'var/lib/wayfarer-platform');
  }

  /** Runs a `wayfarer-platform` command and returns its JSON. Rejects with what it said on stderr. */
  async platform<T>(...args: string[]): Promise<T> {
    const { stdout, stderr, code } = await runNode(
      ['src/platform/cli.ts', '--json', ...args],
      this.environment,
    );
    if (code !== 0) throw new Error(`wayfarer-platform ${args.join(' ')}: ${String(code)} ${stderr}`);
    return JSON.parse(stdout) as T;
  }

  /** Runs `wayfarerctl`. */
  ctl(...args: string[]): Promise<Outcome> {
    return runNode(['src/main/cli.ts', ...args], this.environment);
  }

  status(): Promise<AgentStatus> {
    return new ControlClient(this.paths.readEndpoint).status();
  }

  /** Asks the agent for collections of all types now. */
  async cycle(): Promise<void> {
    await new ControlClient(this.paths.adminEndpoint).requestCycle({});
  }

  show(hostId: string): Promise<ShownAgent> {
    return this.platform<ShownAgent>('show', hostId);
  }

  findings(hostId: string): Promise<ShownFinding[]> {
    return this.platform<ShownFinding[]>('findings', hostId);
  }

  log(): string {
    return readFileSync(this.paths.logFile, 'utf8');
  }

  /** Polls until `attempt` gives something; a rejection counts as not yet. Rejects with the last reason at the deadline. */
  until<T>(what: string, attempt: () => Promise<T | undefined>, deadlineMs = 60_000): Promise<T> {
    return until(what, attempt, deadlineMs);
  }

  /** Waits until the agent rests with everything uploaded; its status then. */
  untilSynced(deadlineMs?: number): Promise<AgentStatus> {
    return this.until(
      'agent in sync',
      async () => (isSynced(await this.status()) ? this.status() : undefined),
      deadlineMs,
    );
  }

  /** Ends what runs and removes the root. */
  async close(): Promise<void> {
    await this.end('agent');
    await this.end('platform');
    rmSync(this.root, { recursive: true, force: true });
  }

  /** Starts the platform; the first line that it prints. */
  #serve(args: readonly string[]): Promise<string> {
    return new Promise((resolve, reject) => {
      const running = this.#start(process.execPath, [...this.serve, ...args], {}, resolve);
      this.#platform = running;
      running.exited.then((code) => {
        reject(new Error(`ended with ${String(code)}`));
      }, reject);
    });
  }

  #start(
    file: string,
    args: readonly string[],
    environment: NodeJS.ProcessEnv,
    printed: (line: string) => void = () => undefined,
  ): Running {
    return new Running(file, args, {
      env: { ...this.environment, ...environment },
      sawLine: (stream, line) => {
        if (stream === 'stdout') printed(line);
        else this.output.push(line);
      },
    });
  }
}

/** Whether every active type that has a manifest is uploaded and nothing is under way or due. */
export function isSynced(status: AgentStatus): boolean {
  const types = Object.values(status.types).filter((type) => type.manifestVersion !== null);
  const now = Date.now();
  return (
    status.phase === 'up to date' &&
    types.length > 0 &&
    types.every((type) => type.seq > 0 && (type.nextDueAt === null || Date.parse(type.nextDueAt) > now))
  );
}
