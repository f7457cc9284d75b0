import { UPLOAD_LIMITS } from '../shared/wire.ts';
import type { KeyPair } from '../wire/keys.ts';
import type { Outcome } from './uploads/outcome.ts';
import type { BodyLimits } from './http/body-budget.ts';
import type { Store } from './store/store.ts';

export type LogLevel = 'info' | 'warn' | 'error';

/** What every part of the platform works with. */
export interface Context {
  readonly dataDir: string;
  readonly store: Store;
  /** The platform's Ed25519 pair: signs replies and documents. */
  readonly signing: KeyPair;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** One line for the operator; never secrets, never bodies. */
  readonly log: (level: LogLevel, message: string) => void;
  readonly limits: Limits;
  /** Commits that are at work, by upload: a repeat waits for the same end, and nobody removes the upload meanwhile. */
  readonly commits: Map<string, Promise<Outcome>>;
}

/** What reading and changing records needs: also what the command line tool has, without a server. */
export type Records = Pick<Context, 'store' | 'now'>;

/** Bounds that tests may lower. */
export interface Limits {
  /** Rows and deletions of one upload. */
  readonly changesPerUpload: number;
  /** Open uploads of one agent; opening one more removes the oldest. */
  readonly openUploads: number;
  /** How long after its opening or its last chunk an open upload counts as abandoned, ms. */
  readonly abandonedAfterMs: number;
  /** Events of one stream (`fim`, `edr`) kept per host, their bytes, and how long, ms. */
  readonly hostEvents: number;
  readonly hostEventBytes: number;
  readonly hostEventsKeptMs: number;
  /** Archives of logs kept per agent, bytes of one, and of all of an agent's. */
  readonly logArchives: number;
  readonly logArchiveBytes: number;
  readonly logBytes: number;
  /** Finished uploads, first answers and acknowledged commands kept per agent. */
  readonly finishedUploads: number;
  readonly answers: number;
  readonly doneCommands: number;
  /** Rows of one snapshot, however many deltas it grew by. */
  readonly rowsPerSnapshot: number;
  /** Bytes of request bodies on their way into memory: of all senders, and of one. */
  readonly bodies: BodyLimits;
  /** Open connections; further ones are closed at once. */
  readonly connections: number;
  /** A TLS handshake and the headers of a request must each be done within this time, ms. */
  readonly headersMs: number;
}

export const DEFAULT_LIMITS: Limits = {
  changesPerUpload: 1_000_000,
  openUploads: 4,
  abandonedAfterMs: 24 * 3600 * 1000,
  hostEvents: 100_000,
  hostEventBytes: 256 * 1024 * 1024,
  hostEventsKeptMs: 90 * 24 * 3600 * 1000,
  logArchives: 10,
  logArchiveBytes: 128 * 1024 * 1024,
  logBytes: 256 * 1024 * 1024,
  finishedUploads: 500,
  answers: 2_000,
  doneCommands: 500,
  rowsPerSnapshot: 2_000_000,
  bodies: { total: 128 * 1024 * 1024, perSender: 4 * UPLOAD_LIMITS.chunkBytesMax },
  connections: 4_096,
  headersMs: 20_000,
};

/** RFC 3339 of a time in ms, as the wire has it. */
export const instant = (ms: number): string => new Date(ms).toISOString();
