import {
  RESUME_LIMITS,
  ToCollector,
  type FromCollector,
  type Pace,
  type WatchedPath,
} from '../shared/collector.ts';
import type { ManifestType } from '../shared/modules.ts';
import { Cancelled } from './abort-gate.ts';
import { Credit } from './credit.ts';
import { Engine } from './engine.ts';
import type { Table } from './bind.ts';
import type { StartTimer } from './debounce.ts';
import { PauseGate } from './pause-gate.ts';
import type { Port } from './port.ts';
import { reasonOf } from './reasons.ts';
import type { Os, ReadContext } from './table.ts';

type CollectMessage = Extract<ToCollector, { kind: 'collect' }>;

/** What a session needs of its process; tests bring their own. */
export interface SessionOptions {
  readonly port: Port;
  readonly os: Os;
  readonly pid: number;
  readonly tables: readonly Table[];
  /** Builds the context of one collection. */
  readonly contextFor: (pace: Pace, signal: AbortSignal) => ReadContext;
  /** CPU milliseconds used so far by this process and its commands. */
  readonly cpuMs: () => number;
  /** Memory of this process, bytes. */
  readonly rssBytes: () => number;
  readonly startTimer: StartTimer;
  /** Watches these files from now on. */
  readonly onWatch: (paths: readonly WatchedPath[]) => void;
  /** Called once, on `stop` or when the channel is gone; the running collection is cancelled by then. */
  readonly onEnd: () => void;
}

/** How often a session shows during a job that its process is not blocked, in milliseconds. */
const ALIVE_MS = 2_000;

interface Job {
  readonly id: number;
  readonly abort: AbortController;
  readonly credit: Credit;
  readonly gate: PauseGate;
  /** `cpuMs` when it began. */
  readonly cpuBefore: number;
}

/** The collector's side of the conversation: one collection at a time, at most `credit` unanswered batches. */
export class CollectorSession {
  readonly #options: SessionOptions;
  readonly #byName: ReadonlyMap<string, Table>;
  #job: Job | undefined;
  /** Keys that were named for the job that comes next. */
  #known: { readonly job: number; readonly keys: string[] } = { job: 0, keys: [] };
  #ended = false;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#byName = new Map(options.tables.map((table) => [table.name, table]));
  }

  /** Listens, and says what this build can read here. */
  start(): void {
    const { port, os, pid, tables } = this.#options;
    port.onMessage((message) => {
      this.#receive(message);
    });
    port.onClose(() => {
      this.#end();
    });
    const readable = tables.filter((table) => table.sources[os] !== undefined).map((table) => table.name);
    port.send({ kind: 'ready', pid, tables: readable });
  }

  /** Reports a change on the host that tables show, unless the session has ended. */
  changed(tables: readonly string[], reason: string): void {
    this.#send({ kind: 'changed', tables: [...tables], types: [], reason });
  }

  /** Reports a change of a file that the manifests of these types look at. */
  configurationChanged(types: readonly ManifestType[], reason: string): void {
    this.#send({ kind: 'changed', tables: [], types: [...types], reason });
  }

  log(level: 'error' | 'warn' | 'info' | 'debug', message: string): void {
    this.#send({ kind: 'log', level, message });
  }

  #send(message: FromCollector): void {
    if (!this.#ended) this.#options.port.send(message);
  }

  #receive(raw: unknown): void {
    const parsed = ToCollector.safeParse(raw);
    if (!parsed.success) {
      this.log('warn', `message ignored: ${parsed.error.issues[0]?.message ?? 'invalid'}`);
      return;
    }
    const message = parsed.data;
    switch (message.kind) {
      case 'known':
        this.#know(message);
        return;
      case 'collect':
        this.#collect(message);
        return;
      case 'credit':
        this.#jobOf(message.job)?.credit.give(message.batches);
        return;
      case 'cancel':
        this.#jobOf(message.job)?.abort.abort();
        return;
      case 'watch':
        this.#options.onWatch(message.paths);
        return;
      case 'pause':
        this.#jobOf(message.job)?.gate.pause();
        return;
      case 'resume':
        this.#jobOf(message.job)?.gate.resume();
        return;
      case 'stop':
        this.#end();
    }
  }

  /** Beyond the bound the rest is left out: the agent names no more. */
  #know({ job, keys }: Extract<ToCollector, { kind: 'known' }>): void {
    if (this.#known.job !== job) this.#known = { job, keys: [] };
    if (this.#known.keys.length + keys.length <= RESUME_LIMITS.rows) this.#known.keys.push(...keys);
  }

  #jobOf(id: number): Job | undefined {
    return this.#job?.id === id ? this.#job : undefined;
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#job?.abort.abort();
    this.#options.onEnd();
  }

  #collect(message: CollectMessage): void {
    if (this.#job !== undefined) {
      const reason = this.#job.id === message.job ? 'this job runs already' : 'another collection is running';
      this.#send({ kind: 'failed', job: message.job, reason });
      return;
    }
    const abort = new AbortController();
    const job: Job = {
      id: message.job,
      abort,
      gate: new PauseGate(abort.signal),
      credit: new Credit(message.credit),
      cpuBefore: this.#options.cpuMs(),
    };
    this.#job = job;
    this.#showLife(job);
    void this.#run(message, job);
  }

  #showLife(job: Job): void {
    this.#options.startTimer(ALIVE_MS, () => {
      if (this.#job !== job) return;
      const { cpuMs, rssBytes } = this.#options;
      this.#send({ kind: 'alive', job: job.id, rssBytes: rssBytes(), cpuMs: cpuMs() - job.cpuBefore });
      this.#showLife(job);
    });
  }

  async #run(message: CollectMessage, job: Job): Promise<void> {
    const earlier = {
      finished: new Set(message.finished),
      keys: this.#known.job === job.id ? this.#known.keys : [],
    };
    this.#known = { job: 0, keys: [] };
    try {
      const context = this.#options.contextFor(message.pace, job.abort.signal);
      const started = context.now();
      const summary = await this.#engineFor(job, context).collect(message.tasks, earlier);
      const elapsedMs = Math.max(0, context.now() - started);
      this.#job = undefined;
      this.#send({
        kind: 'done',
        job: job.id,
        ...summary,
        cpuMs: this.#options.cpuMs() - job.cpuBefore,
        elapsedMs,
      });
    } catch (error) {
      this.#job = undefined;
      const reason = error instanceof Cancelled ? error.message : reasonOf(error);
      this.#send({ kind: 'failed', job: job.id, reason });
    }
  }

  #engineFor(job: Job, context: ReadContext): Engine {
    return new Engine({
      context: {
        ...context,
        breathe: async () => {
          await job.gate.passed();
          await context.breathe();
        },
      },
      pausedMs: () => job.gate.pausedMs,
      startTimer: this.#options.startTimer,
      tableNamed: (name) => this.#byName.get(name),
      sink: {
        batch: async (items) => {
          await job.credit.take();
          this.#send({ kind: 'batch', job: job.id, items });
        },
        started: (id) => {
          this.#send({ kind: 'started', job: job.id, id });
        },
        task: (report) => {
          this.#send({ kind: 'task', job: job.id, ...report });
        },
        log: (level, text) => {
          this.log(level, text);
        },
      },
    });
  }
}
