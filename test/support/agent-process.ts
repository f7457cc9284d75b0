import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { ControlClient } from '../../src/main/control/client.ts';
import { resolvePaths, type Paths } from '../../src/main/host/paths.ts';
import { STORE_FILE } from '../../src/main/queue/open.ts';
import type { ConditionCode } from '../../src/shared/conditions.ts';
import type { ManifestType } from '../../src/shared/modules.ts';
import type { AgentStatus, ShownCondition } from '../../src/shared/status.ts';
import { Running, runNode, type Outcome } from './run.ts';
import { isSynced } from './site.ts';
import { until } from './until.ts';

/** A row as both sides store it: key and canonical JSON. */
export interface StoredRow {
  readonly key: string;
  readonly row: string;
}

/** Shortened intervals, by the switch that the agent names in its status. */
/** Changes of the host bring no cycle within an hour: these tests say themselves when there is one. */
const INTERVALS =
  'statusIntervalSec=1,deltaUploadIntervalSec=0,changeGapSec=3600,retrySec=1,samplesApartSec=2';

/** The agent as a real process under a temporary root of its own. */
export class AgentProcess {
  readonly root: string;
  readonly paths: Paths;
  #environment: NodeJS.ProcessEnv;
  #running: Running | undefined;

  /** `settings` are environment variables that tell the agent its platform. */
  constructor(settings: Readonly<Record<string, string>>, root = mkdtempSync(join(tmpdir(), 'wf-'))) {
    this.root = root;
    this.paths = resolvePaths(process.platform, root, {});
    const { WAYFARER_ROOT: _root, ...inherited } = process.env;
    this.#environment = { ...inherited, WAYFARER_DEV_INTERVALS: INTERVALS, ...settings, WAYFARER_ROOT: root };
  }

  get pid(): number {
    return this.#running?.pid ?? 0;
  }

  /** What the last process wrote to stderr. */
  get stderr(): string {
    return this.#running?.stderr ?? '';
  }

  get databaseFile(): string {
    return join(this.paths.dataDir, STORE_FILE);
  }

  /** Starts the process; `changes` to its settings hold from now on. */
  start(changes: Readonly<Record<string, string>> = {}, args: readonly string[] = []): void {
    this.#environment = { ...this.#environment, ...changes };
    this.#running = new Running(process.execPath, ['src/main/service.ts', ...args], {
      env: this.#environment,
    });
  }

  /** Exit code of the process, once it has ended by itself. */
  get exited(): Promise<number | null> {
    return this.#running?.exited ?? Promise.resolve(null);
  }

  /** Sends a signal and waits until the process is gone; its exit code. */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    return (await this.#running?.end(signal)) ?? null;
  }

  async restart(changes: Readonly<Record<string, string>> = {}): Promise<void> {
    await this.end();
    this.start(changes);
  }

  /** Ends the process and removes the root. */
  async close(): Promise<void> {
    await this.end();
    rmSync(this.root, { recursive: true, force: true });
  }

  status(): Promise<AgentStatus> {
    return new ControlClient(this.paths.readEndpoint).status();
  }

  /** Runs `wayfarerctl` for this agent. */
  ctl(...args: string[]): Promise<Outcome> {
    return runNode(['src/main/cli.ts', ...args], this.#environment);
  }

  /** Runs a dialect for this agent: `cloudagentctl` or `wayfarer-agent-sh`. */
  dialect(name: 'cloudagentctl' | 'wayfarer-agent-sh', ...args: string[]): Promise<Outcome> {
    return runNode([`src/main/${name}.ts`, ...args], this.#environment);
  }

  /** Asks for collections of these types now, or of all. */
  async cycle(...types: ManifestType[]): Promise<void> {
    await new ControlClient(this.paths.adminEndpoint).requestCycle(types.length === 0 ? {} : { types });
  }

  log(): string {
    return readFileSync(this.paths.logFile, 'utf8');
  }

  /** The Host ID file, `undefined` where there is none. */
  hostIdFile(): string | undefined {
    try {
      return readFileSync(this.paths.hostIdFile, 'utf8');
    } catch {
      return undefined;
    }
  }

  /** Waits until the agent rests with everything uploaded; its status then. */
  synced(): Promise<AgentStatus> {
    return until('agent in sync', async () => {
      const status = await this.status();
      return isSynced(status) ? status : undefined;
    });
  }

  /** Waits until a condition shows. */
  condition(code: ConditionCode): Promise<ShownCondition> {
    return until(`condition ${code}`, async () => {
      const { conditions } = await this.status();
      return conditions.find((condition) => condition.code === code);
    });
  }

  /** Waits until a condition is gone. */
  over(code: ConditionCode): Promise<true> {
    return until(`end of condition ${code}`, async () => {
      const { conditions } = await this.status();
      return conditions.every((condition) => condition.code !== code) ? true : undefined;
    });
  }

  /** Waits until the log has such a line after the first `from` characters; the line's match. */
  logged(pattern: RegExp, from = 0): Promise<RegExpExecArray> {
    return until(`log line ${String(pattern)}`, () => pattern.exec(this.log().slice(from)) ?? undefined);
  }

  /** The rows this side holds of a type, in key order. The agent must have ended: it shares its database with nobody. */
  rows(type: ManifestType): StoredRow[] {
    return this.withDatabase((db) =>
      db
        .prepare<[string], StoredRow>('SELECT key, row FROM snapshot_items WHERE type = ? ORDER BY key')
        .all(type),
    );
  }

  /** Opens the agent's database while the agent does not run. */
  withDatabase<T>(work: (db: Database.Database) => T): T {
    const db = new Database(this.databaseFile);
    try {
      return work(db);
    } finally {
      db.close();
    }
  }
}
