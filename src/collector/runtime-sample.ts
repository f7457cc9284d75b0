import { joinKey } from './key.ts';
import type { Row } from '../shared/rows.ts';
import type { KeyedRow, ReadContext, Reader } from './table.ts';

/** A process of a sample. */
export interface SampledProcess {
  readonly pid: number;
  readonly parent: number;
  /** Executable, null for processes of the kernel and those that hide it. */
  readonly path: string | null;
  readonly user: string | null;
}

/** A socket of a sample that something listens on. */
export interface SampledSocket {
  readonly protocol: 'tcp' | 'tcp6' | 'udp' | 'udp6';
  readonly address: string;
  readonly port: number;
  readonly pid: number;
}

export interface Sample {
  readonly processes: readonly SampledProcess[];
  readonly sockets: readonly SampledSocket[];
}

/** What is seen only once within this time is volatile (collection: "present in two samples 10 s apart"). */
const APART_MS = 10_000;

/** First port of the dynamic range (RFC 6335): a UDP socket there is a client's. */
const FIRST_DYNAMIC_PORT = 49_152;

/** Pids of a process and all that it started, directly or not. */
function treeOf(processes: readonly SampledProcess[], root: number): ReadonlySet<number> {
  const children = new Map<number, number[]>();
  for (const { pid, parent } of processes) children.set(parent, [...(children.get(parent) ?? []), pid]);
  const tree = new Set<number>([root]);
  for (const pid of tree) for (const child of children.get(pid) ?? []) tree.add(child);
  return tree;
}

/** Rows of `processes`, by key. `own` is the pid whose tree is left out. */
export function processRows({ processes }: Sample, own: number): Map<string, Row> {
  const tree = treeOf(processes, own);
  const rows = new Map<string, Row>();
  for (const { pid, path, user } of processes) {
    if (path === null || tree.has(pid)) continue;
    const name = path.split(/[/\\]/).at(-1) ?? path;
    rows.set(joinKey(path, user), { path, name, user });
  }
  return rows;
}

/** Rows of `listening_ports`, by key. `own` is the pid whose tree is left out. */
export function portRows({ processes, sockets }: Sample, own: number): Map<string, Row> {
  const tree = treeOf(processes, own);
  const owners = new Map(processes.map((process) => [process.pid, process]));
  const rows = new Map<string, Row>();
  for (const { protocol, address, port, pid } of sockets) {
    if (tree.has(pid) || port === 0) continue;
    if (protocol.startsWith('udp') && port >= FIRST_DYNAMIC_PORT) continue;
    const { path = null, user = null } = owners.get(pid) ?? {};
    rows.set(joinKey(protocol, address, port, path, user), { protocol, address, port, path, user });
  }
  return rows;
}

interface Samples {
  readonly at: number;
  readonly first: Promise<Sample>;
  second?: Promise<Sample>;
}

/** Takes two samples per collection, however many tables want them. */
class Sampler {
  readonly #take: (context: ReadContext) => Promise<Sample>;
  readonly #samples = new WeakMap<ReadContext, Samples>();

  constructor(take: (context: ReadContext) => Promise<Sample>) {
    this.#take = take;
  }

  /** The first sample; rejects with what the taking rejects with. */
  async prepare(context: ReadContext): Promise<void> {
    await this.#of(context).first;
  }

  /** Both samples, the second one 10 s after the first at the earliest. */
  async pair(context: ReadContext): Promise<readonly [Sample, Sample]> {
    const samples = this.#of(context);
    samples.second ??= samples.first.then(() => this.#later(context, samples.at));
    return Promise.all([samples.first, samples.second]);
  }

  #of(context: ReadContext): Samples {
    const known = this.#samples.get(context);
    if (known !== undefined) return known;
    const samples: Samples = { at: context.now(), first: this.#take(context) };
    this.#samples.set(context, samples);
    return samples;
  }

  async #later(context: ReadContext, first: number): Promise<Sample> {
    // Never longer than the whole time, should the clock have been set back.
    const left = Math.min(APART_MS, first + APART_MS - context.now());
    if (left > 0) await context.sleep(left);
    return this.#take(context);
  }
}

/**
 * Readers of `processes` and `listening_ports` over one way to take samples. `own` is the process whose tree is left
 * out: the agent, which is the collector's parent.
 */
export function sampledReaders(
  source: string,
  take: (context: ReadContext) => Promise<Sample>,
  own: () => number = () => process.ppid,
): { readonly processes: Reader; readonly listeningPorts: Reader } {
  const sampler = new Sampler(take);
  const readerOf = (rowsOf: (sample: Sample, own: number) => Map<string, Row>): Reader => ({
    source,
    root: 'partly',
    prepare: (context) => sampler.prepare(context),
    async *read(context): AsyncGenerator<KeyedRow> {
      const [first, second] = await sampler.pair(context);
      const before = rowsOf(first, own());
      for (const [key, row] of rowsOf(second, own())) if (before.has(key)) yield { key, row };
    },
  });
  return { processes: readerOf(processRows), listeningPorts: readerOf(portRows) };
}
