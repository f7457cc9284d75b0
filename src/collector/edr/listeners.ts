import { readdirSync } from 'node:fs';
import { linkTarget, readText, readValue } from '../files.ts';
import { listeningSockets, type LocalSocket } from '../linux/sockets.ts';
import type { Place } from '../open-file.ts';

/** Most that is read of a file of /proc/net, bytes. */
const MOST_BYTES = 16 * 1024 * 1024;

/** Sockets of which the owner is looked for at a time; each look goes through all open files of the host. */
const MOST_NEW = 256;

/** Open files of one process that are looked at. */
const MOST_FILES = 4_096;

/** Default of net.ipv4.ip_local_port_range. */
const EPHEMERAL = { first: 32_768, last: 60_999 };

const PROTOCOLS = ['tcp', 'tcp6', 'udp', 'udp6'] as const;

/** A socket that listens. */
export interface Listener extends LocalSocket {
  readonly transport: 'tcp' | 'udp';
}

/** A socket that was not there before, and who holds it; `pid` is left out where nobody was found. */
export interface OpenedListener {
  readonly listener: Listener;
  readonly pid?: number;
}

/**
 * Sockets that listen in this network namespace and did not when it was last looked (proc_net(5)). Ports of UDP clients are
 * left out, as in the table `listening_ports`.
 */
export class ListenerWatch {
  readonly #place: Place;
  /** Keys of those that were there; `undefined` before the first look. */
  #known: ReadonlySet<string> | undefined;

  constructor(place: Place) {
    this.#place = place;
  }

  /** What opened since the last look; nothing at the first. `likely`: pids to look at first. */
  look(likely: readonly number[]): OpenedListener[] {
    const now = new Map(this.#read().map((listener) => [keyOf(listener), listener]));
    const before = this.#known;
    this.#known = new Set(now.keys());
    if (before === undefined) return [];
    const opened = [...now].filter(([key]) => !before.has(key)).map(([, listener]) => listener);
    if (opened.length === 0) return [];
    const owners = this.#owners(new Set(opened.slice(0, MOST_NEW).map(({ inode }) => inode)), likely);
    return opened.map((listener) => {
      const pid = owners.get(listener.inode);
      return pid === undefined ? { listener } : { listener, pid };
    });
  }

  /** Forgets what was there: the next look is a first one. */
  reset(): void {
    this.#known = undefined;
  }

  #read(): Listener[] {
    const isClient = this.#clientPorts();
    return PROTOCOLS.flatMap((protocol) => {
      const transport = protocol.startsWith('tcp') ? 'tcp' : 'udp';
      const sockets = listeningSockets(this.#text(protocol), transport);
      return sockets
        .filter(({ port }) => transport === 'tcp' || !isClient(port))
        .map((socket): Listener => ({ ...socket, transport }));
    });
  }

  #text(protocol: string): string {
    try {
      return readText(this.#place, `/proc/net/${protocol}`, { maxBytes: MOST_BYTES }) ?? '';
    } catch {
      return '';
    }
  }

  #clientPorts(): (port: number) => boolean {
    const range = readValue(this.#place, '/proc/sys/net/ipv4/ip_local_port_range') ?? '';
    const [first = EPHEMERAL.first, last = EPHEMERAL.last] = range.split(/\s+/).filter(Boolean).map(Number);
    return (port) => port >= first && port <= last;
  }

  /** Who holds these sockets, by inode: the first process that is found. */
  #owners(wanted: ReadonlySet<string>, likely: readonly number[]): Map<string, number> {
    const owners = new Map<string, number>();
    for (const pid of new Set([...likely, ...pids()])) {
      if (owners.size === wanted.size) break;
      for (const inode of this.#socketsOf(pid)) {
        if (wanted.has(inode) && !owners.has(inode)) owners.set(inode, pid);
      }
    }
    return owners;
  }

  #socketsOf(pid: number): string[] {
    const folder = `/proc/${pid}/fd`;
    return namesIn(folder)
      .slice(0, MOST_FILES)
      .map((fd) => /^socket:\[(\d+)\]$/.exec(linkTarget(this.#place, `${folder}/${fd}`) ?? '')?.[1])
      .filter((inode) => inode !== undefined);
  }
}

const keyOf = ({ transport, address, port, inode }: Listener): string =>
  [transport, address, port, inode].join('|');

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

const pids = (): number[] =>
  namesIn('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
