import { linkTarget, readText, readValue } from '../files.ts';
import { joinKey } from '../key.ts';
import type { KeyedRow, ReadContext, Reader } from '../table.ts';
import { userNames } from './accounts.ts';
import { ownTree, processes, type Process } from './proc.ts';
import { listeningSockets, type LocalSocket } from './sockets.ts';
import { namesIn } from './tolerant.ts';
import { TwoSamples } from '../two-samples.ts';

const PROTOCOLS = ['tcp', 'tcp6', 'udp', 'udp6'] as const;
type Protocol = (typeof PROTOCOLS)[number];

/** Default of net.ipv4.ip_local_port_range (Linux, ip-sysctl). */
const EPHEMERAL = { first: 32_768, last: 60_999 };

function ephemeralRange(context: ReadContext): { first: number; last: number } {
  const [first, last] = (readValue(context, '/proc/sys/net/ipv4/ip_local_port_range') ?? '')
    .split(/\s+/)
    .map(Number);
  return first !== undefined && last !== undefined && last > first ? { first, last } : EPHEMERAL;
}

/** Sockets that serve: a UDP client's port in the ephemeral range comes and goes, so those are left out. */
function servingSockets(context: ReadContext, protocol: Protocol): LocalSocket[] {
  const text = readText(context, `/proc/net/${protocol}`, { maxBytes: 16 * 1024 * 1024 }) ?? '';
  const sockets = listeningSockets(text, protocol.startsWith('tcp') ? 'tcp' : 'udp');
  if (protocol.startsWith('tcp')) return sockets;
  const { first, last } = ephemeralRange(context);
  return sockets.filter(({ port }) => port < first || port > last);
}

/** Inodes of the sockets that a process holds open. */
function socketInodes(context: ReadContext, pid: number): string[] {
  const folder = `/proc/${pid}/fd`;
  return namesIn(context, folder)
    .map((fd) => /^socket:\[(\d+)\]$/.exec(linkTarget(context, `${folder}/${fd}`) ?? '')?.[1])
    .filter((inode) => inode !== undefined);
}

/** For each wanted inode, the processes that hold it. */
async function holders(
  context: ReadContext,
  all: readonly Process[],
  wanted: ReadonlySet<string>,
): Promise<Map<string, Process[]>> {
  const found = new Map<string, Process[]>();
  if (wanted.size === 0) return found;
  for (const process of all) {
    for (const inode of socketInodes(context, process.pid)) {
      if (wanted.has(inode)) found.set(inode, [...(found.get(inode) ?? []), process]);
    }
    await context.breathe();
  }
  return found;
}

/** Pids of the agent's own tree; nobody below a laid-out root. */
function ownPids(context: ReadContext, all: readonly Process[]): Set<number> {
  return context.root === '/' ? ownTree(all, process.ppid, process.pid) : new Set();
}

function portRow(protocol: Protocol, socket: LocalSocket, path: string | null, user: string): KeyedRow {
  const { address, port } = socket;
  return {
    key: joinKey(protocol, address, port, path, user),
    row: { protocol, address, port, path, user },
  };
}

async function sample(context: ReadContext): Promise<KeyedRow[]> {
  const nameOf = userNames(context);
  const sockets: { protocol: Protocol; socket: LocalSocket }[] = [];
  for (const protocol of PROTOCOLS) {
    for (const socket of servingSockets(context, protocol)) sockets.push({ protocol, socket });
    await context.breathe();
  }
  const all = processes(context);
  await context.breathe();
  const own = ownPids(context, all);
  const byInode = await holders(context, all, new Set(sockets.map(({ socket }) => socket.inode)));
  return sockets.flatMap(({ protocol, socket }) => {
    const held = byInode.get(socket.inode) ?? [];
    const paths = new Set(held.filter(({ pid }) => !own.has(pid)).map(({ path }) => path));
    const user = nameOf(socket.uid);
    if (held.length === 0) return [portRow(protocol, socket, null, user)];
    return [...paths].map((path) => portRow(protocol, socket, path, user));
  });
}

const samples = new TwoSamples(sample);

export const listeningPortsLinux: Reader = {
  source: '/proc/net/{tcp,tcp6,udp,udp6} and the descriptors in /proc/PID/fd, two samples 10 s apart',
  root: 'partly',
  read: (context) => samples.read(context),
  prepare: (context) => samples.prepare(context),
};
