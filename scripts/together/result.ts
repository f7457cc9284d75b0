import type { AgentStatus } from '../../src/shared/status.ts';

/** What `wayfarer-platform show HOST --json` says per manifest type. */
export interface PlatformView {
  readonly types: Readonly<
    Record<string, { readonly seq: number; readonly root: string; readonly processed: unknown }>
  >;
}

/** The outcome of a first sync: the last line of `npm start -- --once --json`. */
export interface Result {
  readonly hostId: string;
  readonly provisioned: boolean;
  readonly types: Record<string, { rows: number; seq: number; root: string; platformRoot: string | null }>;
  /** Rows per table, each table once: where several manifests read it, the first that does counts. */
  readonly tables: Record<string, number>;
  readonly upload: { readonly rawBytes: number; readonly sentBytes: number; readonly chunks: number };
  readonly elapsedMs: number;
}

/** Puts the agent's and the platform's view side by side. */
export function result(status: AgentStatus, platform: PlatformView, elapsedMs: number): Result {
  const types: Result['types'] = {};
  const tables: Result['tables'] = {};
  for (const [name, type] of Object.entries(status.types)) {
    if (type.root === null) continue;
    const platformRoot = platform.types[name]?.root ?? null;
    types[name] = { rows: type.rows, seq: type.seq, root: type.root, platformRoot };
    for (const [table, rows] of Object.entries(type.tables)) tables[table] ??= rows;
  }
  const { rawBytes, sentBytes, chunks } = status.uploads;
  return {
    hostId: status.identity.hostId ?? '',
    provisioned: status.identity.hostId !== null,
    types,
    tables,
    upload: { rawBytes, sentBytes, chunks },
    elapsedMs,
  };
}
