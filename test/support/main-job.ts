import { chownSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { z } from 'zod';
import { resolvePaths, type Paths } from '../../src/main/host/paths.ts';
import { STORE_FILE } from '../../src/main/queue/open.ts';
import { MANIFEST_TYPES, type ManifestType } from '../../src/shared/modules.ts';
import type { StoredRow } from './agent-process.ts';
import { Running, type Outcome } from './run.ts';

const Root = z.string().regex(/^[0-9a-f]{64}$/);

/** The last line of `npm start -- --once --json`: these fields and no others. */
export const MainJobResult = z.strictObject({
  hostId: z.uuid(),
  provisioned: z.literal(true),
  types: z.partialRecord(
    z.enum(MANIFEST_TYPES),
    z.strictObject({
      rows: z.number().int().min(0),
      seq: z.number().int().min(1),
      root: Root,
      platformRoot: Root,
    }),
  ),
  tables: z.record(z.string(), z.number().int().min(0)),
  upload: z.strictObject({
    rawBytes: z.number().int().min(1),
    sentBytes: z.number().int().min(1),
    chunks: z.number().int().min(1),
  }),
  elapsedMs: z.number().min(1),
});
export type MainJobResult = z.infer<typeof MainJobResult>;

/** A root directory for `npm start`, and what a start leaves below it. */
export class MainJob {
  readonly root: string;
  readonly paths: Paths;

  /** `owner`: numeric user and group that the directory belongs to. */
  constructor(owner?: number) {
    this.root = mkdtempSync(join(tmpdir(), 'wf-'));
    if (owner !== undefined) chownSync(this.root, owner, owner);
    this.paths = resolvePaths(process.platform, this.root, {});
  }

  get environment(): NodeJS.ProcessEnv {
    return { ...process.env, WAYFARER_ROOT: this.root };
  }

  /**
   * Starts a program in a process group of its own, as a shell does, so that a signal to the group is what Ctrl-C sends.
   * `sawLine` is called for every line of stdout.
   */
  spawn(file: string, args: readonly string[], sawLine: (line: string) => void = () => undefined) {
    const running = new Running(file, args, {
      env: this.environment,
      ownGroup: true,
      sawLine: (stream, line) => {
        if (stream === 'stdout') sawLine(line);
      },
    });
    const interrupt = (): void => {
      running.signal('SIGINT');
    };
    return { ended: running.ended, interrupt };
  }

  /** Processes that carry this root in their environment (Linux). */
  processes(): number[] {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .filter((pid) => pid !== process.pid && environmentOf(pid).includes(`WAYFARER_ROOT=${this.root}`));
  }

  /** Rows that the agent holds of a type; nothing may run. */
  agentRows(type: string): StoredRow[] {
    return query(
      join(this.paths.dataDir, STORE_FILE),
      'SELECT key, row FROM snapshot_items WHERE type = ? ORDER BY key',
      type,
    );
  }

  /** Rows that the platform holds of a type; nothing may run. */
  platformRows(type: string): StoredRow[] {
    return query(
      this.#platformFile,
      `SELECT key, row FROM snapshot_items JOIN snapshots ON snapshots.id = snapshot WHERE type = ? ORDER BY key`,
      type,
    );
  }

  /** Kinds of the commits of a type, the oldest first. */
  commits(type: ManifestType): { kind: string }[] {
    return query(this.#platformFile, 'SELECT kind FROM commits WHERE type = ? ORDER BY id', type);
  }

  /** Keys of the rows that the deltas of a type changed. */
  changedKeys(type: ManifestType): string[] {
    const changes = query<{ key: string }>(
      this.#platformFile,
      'SELECT key FROM changes WHERE type = ? AND seq > 1 ORDER BY id',
      type,
    );
    return changes.map(({ key }) => key);
  }

  get #platformFile(): string {
    return join(this.root, 'var/lib/wayfarer-platform/platform.db');
  }

  close(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** The last line of an output, as the result that it must be. */
export function resultOf({ stdout }: Outcome): MainJobResult {
  return MainJobResult.parse(JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? ''));
}

function query<T>(file: string, sql: string, parameter: string): T[] {
  const db = new Database(file);
  try {
    return db.prepare<[string], T>(sql).all(parameter);
  } finally {
    db.close();
  }
}

function environmentOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${String(pid)}/environ`, 'utf8').split('\0');
  } catch {
    return [];
  }
}
