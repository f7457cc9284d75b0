import type { z } from 'zod';
import type { Row } from '../shared/rows.ts';

/** The operating systems that a table can be read on, as `process.platform` names them. */
export type Os = 'linux' | 'win32' | 'darwin';

/** A row with its key inside the table. Reader output is raw: the engine encodes text (`wire/encode.ts`) in one place. */
export interface KeyedRow {
  readonly key: string;
  readonly row: Row;
}

/** Result of a command of the built-in list. */
export interface CommandResult {
  readonly exitCode: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** What a reader may use. Everything that touches the host goes through here, so that tests can lay out a host. */
export interface ReadContext {
  /** Directory that stands for `/`: `/` itself, or a laid-out tree in tests. Never ends in a slash but for `/`. */
  readonly root: string;
  readonly os: Os;
  /** Aborted when the collection is cancelled; long loops look at it. */
  readonly signal: AbortSignal;
  /** Waits as long as the CPU budget demands; call it between units of work of about a millisecond. */
  readonly breathe: () => Promise<void>;
  /**
   * Runs a command without a shell, in the C locale, with a time limit (30 s unless told), an output limit (16 MiB
   * unless told) and a kill of its whole process group. Rejects with `Unreadable` when it is absent, late or too loud.
   */
  readonly run: (
    file: string,
    args: readonly string[],
    limits?: { readonly timeoutMs?: number; readonly maxBytes?: number },
  ) => Promise<CommandResult>;
  /** Milliseconds since the epoch, and a wait that the clock of tests can pass. */
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<void>;
  /** Time between two samples of processes, ms; 10 s unless told. */
  readonly samplesApartMs?: number;
}

/** A table cannot be read here and now; the reason becomes a row in `collection_errors` (R012). */
export class Unreadable extends Error {
  override readonly name = 'Unreadable';
}

/** A command printed more than it may; asked for less, it may give that. */
export class TooMuchPrinted extends Unreadable {}

/** How one operating system gives a table. */
export interface Reader<P = unknown> {
  /** Where the rows come from, for the documentation: a file, an API, a command. */
  readonly source: string;
  /** Whether root is needed: `partly` gives fewer rows or columns without it. */
  readonly root: 'no' | 'partly' | 'yes';
  /**
   * The rows, in any order. May throw `Unreadable` before or between rows: what was yielded stands, the rest of the
   * scan goes on. A table that does not exist on this host (no rpm database on Debian) yields nothing.
   */
  readonly read: (context: ReadContext, params: P) => AsyncIterable<KeyedRow> | Iterable<KeyedRow>;
  /**
   * Takes what the reading later compares with (a first sample of the processes). Called when a collection starts; the
   * engine then reads such tables last, so that the time between is not waited for.
   */
  readonly prepare?: (context: ReadContext) => void | Promise<void>;
}

/** One table: what it holds, what its key is, and a reader per operating system. */
export interface TableSpec<P = unknown> {
  readonly name: string;
  readonly group: 'system' | 'software' | 'runtime' | 'identity' | 'network' | 'probes';
  readonly description: string;
  /** What makes a row's key, in words; it must not change while the thing itself doesn't. */
  readonly key: string;
  /** Column name → meaning with unit. */
  readonly columns: Readonly<Record<string, string>>;
  /** What reading it costs on a usual laptop. */
  readonly cost: 'low' | 'medium' | 'high';
  /** Parameters a task may give; tables without any take an empty object. */
  readonly params?: z.ZodType<P>;
  readonly readers: Partial<Record<Os, Reader<P>>>;
}
