import { joinKey } from './key.ts';
import type { Row } from '../shared/rows.ts';
import { TwoSamples } from './two-samples.ts';
import type { ReadContext, Reader } from './table.ts';

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

/**
 * First port of the dynamic range (RFC 6335), which Windows (KB 929851) and macOS give to clients unless told otherwise: a UDP
 * socket there is a client's.
 */
export const FIRST_DYNAMIC_PORT = 49_152;

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

/** Age up to which a sample serves the second table as well, so that both cost one look at the host. */
const SHARED_MS = 5_000;

type Take = (context: ReadContext) => Promise<Sample>;

/** The same taking, remembered per collection for a few seconds. */
function shared(take: Take): Take {
  const last = new WeakMap<ReadContext, { readonly at: number; readonly sample: Promise<Sample> }>();
  return (context) => {
    const known = last.get(context);
    if (known !== undefined && Math.abs(context.now() - known.at) < SHARED_MS) return known.sample;
    const sample = take(context);
    last.set(context, { at: context.now(), sample });
    return sample;
  };
}

/**
 * Readers of `processes` and `listening_ports` over one way to take samples. `own` is the process whose tree is left
 * out: the agent, which is the collector's parent.
 */
export function sampledReaders(
  source: string,
  take: Take,
  own: () => number = () => process.ppid,
): { readonly processes: Reader; readonly listeningPorts: Reader } {
  const takeShared = shared(take);
  const readerOf = (rowsOf: (sample: Sample, own: number) => Map<string, Row>): Reader => {
    const samples = new TwoSamples(async (context) =>
      Array.from(rowsOf(await takeShared(context), own()), ([key, row]) => ({ key, row })),
    );
    return {
      source,
      root: 'partly',
      prepare: (context) => samples.prepare(context),
      read: (context) => samples.read(context),
    };
  };
  return { processes: readerOf(processRows), listeningPorts: readerOf(portRows) };
}
