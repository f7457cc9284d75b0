import { linkTarget, listNames, readText } from '../files.ts';
import type { Place } from '../open-file.ts';

/** A process that runs a program of its own, kernel threads apart. */
export interface Process {
  readonly pid: number;
  readonly parent: number;
  /** Effective user. */
  readonly uid: number;
  readonly path: string;
}

/** What the kernel appends to the path of an executable that was deleted or replaced (proc(5)). */
const DELETED = / \(deleted\)$/;

/**
 * The processes of the host. Those without an executable are kernel threads and zombies; those that may not be looked
 * at, or end meanwhile, are left out.
 */
export function processes(place: Place): Process[] {
  return listNames(place, '/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => processOf(place, Number(name)))
    .filter((process) => process !== undefined);
}

function processOf(place: Place, pid: number): Process | undefined {
  const path = linkTarget(place, `/proc/${pid}/exe`);
  if (path === undefined) return undefined;
  const status = statusOf(place, pid);
  const parent = /^PPid:\s+(\d+)$/m.exec(status)?.[1];
  const uid = /^Uid:\s+\d+\s+(\d+)/m.exec(status)?.[1];
  if (parent === undefined || uid === undefined) return undefined;
  return { pid, parent: Number(parent), uid: Number(uid), path: path.replace(DELETED, '') };
}

function statusOf(place: Place, pid: number): string {
  try {
    return readText(place, `/proc/${pid}/status`) ?? '';
  } catch {
    return '';
  }
}

/**
 * Pids of the agent's own tree: `agent`, which is the collector's parent, and all its descendants. Where the agent is
 * pid 1 (a container), that would be everybody: then it and the tree of `self` alone.
 */
export function ownTree(all: readonly Process[], agent: number, self: number): Set<number> {
  const own = new Set(agent <= 1 ? [self] : [agent, self]);
  let size = 0;
  while (own.size > size) {
    size = own.size;
    for (const { pid, parent } of all) if (own.has(parent)) own.add(pid);
  }
  return own.add(agent);
}

/** The processes of others. Below a laid-out root nobody is the agent, since its pids are not this system's. */
export function foreignProcesses(place: Place): Process[] {
  const all = processes(place);
  if (place.root !== '/') return all;
  const own = ownTree(all, process.ppid, process.pid);
  return all.filter(({ pid }) => !own.has(pid));
}
