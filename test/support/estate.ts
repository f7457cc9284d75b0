import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { configLine, file, table } from '../../src/platform/manifests/tasks.ts';
import { startPlatform, type RunningPlatform } from '../../src/platform/platform.ts';
import type { Manifest, Task } from '../../src/shared/manifest.ts';
import type { ManifestType, Module } from '../../src/shared/modules.ts';
import { itemHash, rootOf } from '../../src/wire/item.ts';
import { AgentProcess, type StoredRow } from './agent-process.ts';
import { until } from './until.ts';

/**
 * A platform in this process and agents as processes of their own. Its manifests are small and look at files that the
 * test writes, so that a collection takes milliseconds and every row is known.
 */
export class Estate {
  readonly scratch = mkdtempSync(join(tmpdir(), 'wf-estate-'));
  readonly dataDir = join(this.scratch, 'platform');
  /** A file of one row per line, read by the types Inventory and UDC. */
  readonly notes = join(this.scratch, 'notes.conf');
  /** A file that is one row itself, read by the type Vulnerability. */
  readonly marker = join(this.scratch, 'marker');
  readonly logged: string[] = [];
  readonly #agents: AgentProcess[] = [];
  readonly #more: readonly Task[];
  #running: RunningPlatform | undefined;

  /** `vulnerability`: tasks of this manifest beside its own. */
  constructor({ vulnerability = [] }: { readonly vulnerability?: readonly Task[] } = {}) {
    this.#more = vulnerability;
    this.write('first', 'second', 'third');
    writeFileSync(this.marker, 'marker\n');
  }

  get platform(): RunningPlatform {
    if (this.#running === undefined) throw new Error('the platform is not running');
    return this.#running;
  }

  /** Writes the notes: one row each. */
  write(...lines: string[]): void {
    writeFileSync(this.notes, lines.map((line) => `${line}\n`).join(''));
  }

  async start(options: { readonly port?: number; readonly advisoriesDir?: string } = {}): Promise<void> {
    this.#running = await startPlatform({
      ...options,
      dataDir: this.dataDir,
      manifests: this.#manifests(),
      log: (level, message) => this.logged.push(`${level} ${message}`),
    });
  }

  /** Starts with the certificates of another estate, as somebody would who took over its name and address. */
  async startAs(other: Estate, port: number): Promise<void> {
    mkdirSync(this.dataDir);
    for (const name of ['ca.pem', 'ca.key', 'server.pem', 'server.key']) {
      copyFileSync(join(other.dataDir, name), join(this.dataDir, name));
    }
    await this.start({ port });
  }

  async stop(): Promise<void> {
    await this.#running?.close();
    this.#running = undefined;
  }

  /** What an agent needs to reach this platform, with a key of these modules. */
  settings(modules: readonly Module[] = ['AI', 'VM']): Record<string, string> {
    const { customer } = this.platform.admin.init();
    const key = this.platform.admin.createKey({ title: 'Test key', modules: [...modules], tags: ['Test'] });
    return {
      WAYFARER_CUSTOMER_ID: customer.id,
      WAYFARER_ACTIVATION_ID: key.id,
      WAYFARER_WEB_SERVICE_URI: this.platform.url,
      WAYFARER_CA_FILE: this.platform.caFile,
      WAYFARER_PLATFORM_KEY: this.platform.platformKey,
    };
  }

  /** An agent that is not started yet. It ends with the estate. */
  agent(settings: Readonly<Record<string, string>> = this.settings(), root?: string): AgentProcess {
    const agent = new AgentProcess(settings, root);
    this.#agents.push(agent);
    return agent;
  }

  /** An agent that is in sync, and its Host ID. */
  async syncedAgent(modules?: readonly Module[]): Promise<{ agent: AgentProcess; hostId: string }> {
    const agent = this.agent(this.settings(modules));
    agent.start();
    const { identity } = await agent.synced();
    return { agent, hostId: identity.hostId ?? '' };
  }

  /** Ends what runs and removes what it left. */
  async close(): Promise<void> {
    await Promise.all(this.#agents.map((agent) => agent.close()));
    await this.stop();
    rmSync(this.scratch, { recursive: true, force: true });
  }

  /** The rows the platform holds of a type, in key order. */
  rows(hostId: string, type: ManifestType): StoredRow[] {
    return this.withDatabase((db) =>
      db
        .prepare<[string, string], StoredRow>(
          `SELECT key, row FROM snapshot_items JOIN snapshots ON snapshots.id = snapshot
           WHERE agent = ? AND type = ? ORDER BY key`,
        )
        .all(hostId, type),
    );
  }

  /** Opens the platform's database beside the platform, or without one. */
  withDatabase<T>(work: (db: Database.Database) => T): T {
    const db = new Database(join(this.dataDir, 'platform.db'), { timeout: 10_000 });
    try {
      return work(db);
    } finally {
      db.close();
    }
  }

  /** Issues content as the next version of a manifest, unchecked: what a broken platform would sign. */
  issueManifest(type: ManifestType, content: unknown): void {
    const text = JSON.stringify(content);
    const hash = createHash('sha256').update(text).digest('hex');
    this.platform.store.documents.manifests.update(type, text, hash, Date.now());
  }

  manifest(type: ManifestType): Manifest {
    const found = this.#manifests().find((manifest) => manifest.type === type);
    if (found === undefined) throw new Error(`no ${type} manifest`);
    return found;
  }

  /** Kinds and counts of an agent's commits of a type, the oldest first. */
  commits(hostId: string, type: ManifestType): { kind: string; seq: number; changes: number }[] {
    return this.platform.admin
      .commits(hostId, 1_000)
      .filter((commit) => commit.type === type)
      .map(({ kind, seq, added, changed, removed }) => ({ kind, seq, changes: added + changed + removed }))
      .toReversed();
  }

  /** Waits until an agent's commits of a type satisfy a test; all of them. */
  untilCommits(
    hostId: string,
    type: ManifestType,
    enough: (commits: ReturnType<Estate['commits']>) => boolean,
  ): Promise<ReturnType<Estate['commits']>> {
    return until(`commits of ${type}`, () => {
      const commits = this.commits(hostId, type);
      return enough(commits) ? commits : undefined;
    });
  }

  /**
   * Waits until agent and platform rest with the same of every active type, and returns the platform's rows by type. The
   * root is computed here from the rows themselves: two equal but wrong roots would not pass.
   */
  async equal(agent: AgentProcess): Promise<Record<string, StoredRow[]>> {
    return until('both sides equal', async () => {
      const status = await agent.synced();
      const hostId = status.identity.hostId ?? '';
      const held: Record<string, StoredRow[]> = {};
      for (const [name, { root }] of Object.entries(status.types)) {
        const type = name as ManifestType;
        const rows = this.rows(hostId, type);
        const computed = rootOf(rows.map(({ key, row }) => itemHash(key, row)));
        if (computed !== root || computed !== this.platform.admin.show(hostId).types[type]?.root)
          throw new Error(`${type}: the rows do not give the root`);
        held[type] = rows;
      }
      return held;
    });
  }

  #manifests(): Manifest[] {
    const lines = configLine('notes', this.notes, '.');
    return [
      { type: 'Inventory', tasks: [table('os_version'), table('users'), lines] },
      {
        type: 'Vulnerability',
        tasks: [table('os_version'), file('marker', this.marker, { hash: true }), ...this.#more],
      },
      { type: 'PolicyCompliance', tasks: [file('passwd', '/etc/passwd')] },
      { type: 'UDC', tasks: [lines] },
      { type: 'AutoDiscovery', tasks: [file('hosts', '/etc/hosts')] },
      { type: 'PatchAssessment', tasks: [table('available_updates')] },
      { type: 'MiddlewarePC', tasks: [file('docker', '/etc/docker/daemon.json')] },
    ];
  }
}

/** The lines of the notes among rows. */
export function notesIn(rows: readonly StoredRow[] | undefined): string[] {
  return (rows ?? [])
    .map(({ row }) => (JSON.parse(row) as { line?: string }).line)
    .filter((line) => line !== undefined)
    .sort();
}
