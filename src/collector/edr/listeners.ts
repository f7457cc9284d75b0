import { readdirSync } from 'node:fs';
import { linkTarget, readText, readValue } from '../files.ts';
import { listeningSockets, type LocalSocket } from '../linux/sockets.ts';
import { hostPath, type Place } from '../open-file.ts';
import { NewSince } from './new-since.ts';

/** Most that is read of a file of /proc/net, bytes. */
const MOST_BYTES = 16 * 1024 * 1024;

/** Sockets of which the owner is looked for at a time; each look goes through all open files of the host. */
const MOST_NEW = 256;

/** Open files of one process that are looked at, and of all: whoever reads what the kernel tells waits meanwhile. */
const MOST_FILES = 4_096;
const MOST_IN_A_LOOK = 32_768;

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
  readonly #mostFiles: number;
  readonly #new = new NewSince(keyOf);

  /** `mostFiles`: open files that one look goes through. */
  constructor(place: Place, mostFiles = MOST_IN_A_LOOK) {
    this.#place = place;
    this.#mostFiles = mostFiles;
  }

  /** What opened since the last look; nothing at the first. `likely`: pids to look at first. */
  look(likely: readonly number[]): OpenedListener[] {
    const opened = PROTOCOLS.flatMap((protocol) => this.#opened(protocol));
    if (opened.length === 0) return [];
    const owners = this.#owners(new Set(opened.slice(0, MOST_NEW).map(({ inode }) => inode)), likely);
    return opened.map((listener) => {
      const pid = owners.get(listener.inode);
      return pid === undefined ? { listener } : { listener, pid };
    });
  }

  /** Forgets what was there: the next look is a first one. */
  reset(): void {
    this.#new.reset();
  }

  /** What of a protocol was not there the last time. A list that can't be read leaves everything as it was. */
  #opened(protocol: (typeof PROTOCOLS)[number]): Listener[] {
    const text = this.#text(protocol);
    return text === undefined ? [] : this.#new.of(protocol, this.#read(text, protocol));
  }

  #read(text: string, protocol: (typeof PROTOCOLS)[number]): Listener[] {
    const transport = protocol.startsWith('tcp') ? 'tcp' : 'udp';
    const isClient = this.#clientPorts();
    return listeningSockets(text, transport)
      .filter(({ port }) => transport === 'tcp' || !isClient(port))
      .map((socket): Listener => ({ ...socket, transport }));
  }

  /** Empty where there is no such protocol; `undefined` where the list can't be read, or is longer than allowed. */
  #text(protocol: string): string | undefined {
    try {
      return readText(this.#place, `/proc/net/${protocol}`, { maxBytes: MOST_BYTES }) ?? '';
    } catch {
      return undefined;
    }
  }

  #clientPorts(): (port: number) => boolean {
    const range = readValue(this.#place, '/proc/sys/net/ipv4/ip_local_port_range') ?? '';
    const [first = EPHEMERAL.first, last = EPHEMERAL.last] = range.split(/\s+/).filter(Boolean).map(Number);
    return (port) => port >= first && port <= last;
  }

  /** Who holds these sockets, by inode: the first process that is found, among as many open files as a look may take. */
  #owners(wanted: ReadonlySet<string>, likely: readonly number[]): Map<string, number> {
    const owners = new Map<string, number>();
    let left = this.#mostFiles;
    for (const pid of new Set([...likely, ...this.#pids()])) {
      if (owners.size === wanted.size || left <= 0) break;
      const files = this.#namesIn(`/proc/${pid}/fd`).slice(0, Math.min(MOST_FILES, left));
      left -= files.length;
      for (const file of files) {
        const inode = this.#socketOf(`/proc/${pid}/fd/${file}`);
        if (inode !== undefined && wanted.has(inode) && !owners.has(inode)) owners.set(inode, pid);
      }
    }
    return owners;
  }

  #socketOf(path: string): string | undefined {
    return /^socket:\[(\d+)\]$/.exec(linkTarget(this.#place, path) ?? '')?.[1];
  }

  #pids(): number[] {
    return this.#namesIn('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  }

  #namesIn(folder: string): string[] {
    try {
      return readdirSync(hostPath(this.#place, folder));
    } catch {
      return [];
    }
  }
}

const keyOf = ({ transport, address, port, inode }: Listener): string =>
  [transport, address, port, inode].join('|');
