import { createSocket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { networkInterfaces } from 'node:os';
import { UnknownName } from './sandbox.ts';
import { within } from './within.ts';
import type { Names } from './functions.ts';

/** What a script may ask the network for. */
export interface Resolver {
  /** IPv4 addresses of a name; rejects when there are none. */
  readonly ipv4: (name: string) => Promise<readonly string[]>;
  /** All addresses of a name; rejects when there are none. */
  readonly all: (name: string) => Promise<readonly string[]>;
  /** Addresses of this host, the one that faces the outside first; may be empty. */
  readonly own: () => Promise<readonly string[]>;
}

/** Bounds of one evaluation: see `PacLimits`. */
export interface LookupLimits {
  readonly lookups: number;
  readonly lookupMs: number;
}

class Wanted extends UnknownName {
  readonly key: string;
  readonly ask: () => Promise<readonly string[]>;

  constructor(key: string, ask: () => Promise<readonly string[]>) {
    super(`${key} has to be looked up`);
    this.key = key;
    this.ask = ask;
  }
}

/**
 * The answers that one evaluation has so far. A question without an answer throws; `find` gets it, so that the script
 * can run again. After `lookups` questions or `lookupMs` all further names are unknown.
 */
export class Lookups {
  readonly names: Names;
  readonly #found = new Map<string, readonly string[]>();
  readonly #limits: LookupLimits;
  readonly #elapsed: () => number;
  #asked = 0;
  #spentMs = 0;

  constructor(resolver: Resolver, limits: LookupLimits, elapsed: () => number) {
    this.#limits = limits;
    this.#elapsed = elapsed;
    const get = (key: string, ask: () => Promise<readonly string[]>): readonly string[] => {
      const found = this.#found.get(key);
      if (found !== undefined) return found;
      if (this.#asked >= limits.lookups || this.#spentMs >= limits.lookupMs) return [];
      throw new Wanted(key, ask);
    };
    this.names = {
      ipv4: (name) => get(`ipv4 ${name}`, () => resolver.ipv4(name))[0],
      all: (name) => get(`all ${name}`, () => resolver.all(name)),
      own: () => get('own', resolver.own),
    };
  }

  /** Gets what `names` threw for. Never rejects: what can't be found is unknown from then on. */
  async find(unknown: UnknownName): Promise<void> {
    if (!(unknown instanceof Wanted)) return;
    this.#asked += 1;
    const started = this.#elapsed();
    const found = await within(this.#limits.lookupMs - this.#spentMs, unknown.ask());
    this.#spentMs += this.#elapsed() - started;
    this.#found.set(unknown.key, found ?? []);
  }
}

/** The system's resolver, as browsers ask it: hosts file and all. */
export const systemResolver: Resolver = {
  ipv4: async (name) => [(await lookup(name, { family: 4 })).address],
  all: async (name) => (await lookup(name, { all: true })).map(({ address }) => address),
  own: async () => {
    const facing =
      (await facingAddress('udp4', '8.8.8.8')) ?? (await facingAddress('udp6', '2001:4860:4860::8888'));
    const others = interfaceAddresses().filter((address) => address !== facing);
    return facing === undefined ? others : [facing, ...others];
  },
};

/**
 * The address that the kernel would send from, `undefined` where there is no way to the destination. Choosing a
 * destination for a UDP socket sends nothing (connect(2)).
 */
export function facingAddress(type: 'udp4' | 'udp6', destination: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket(type);
    const end = (address: string | undefined): void => {
      socket.close();
      resolve(address);
    };
    socket.once('error', () => {
      end(undefined);
    });
    // As an event: a callback of `connect` gets the failure as well, when the socket's address is still 0.0.0.0.
    socket.once('connect', () => {
      end(socket.address().address);
    });
    socket.connect(53, destination);
  });
}

/** Addresses of the interfaces, IPv4 first; loopback and link-local ones lead nowhere. */
function interfaceAddresses(): string[] {
  const all = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal, address }) => !internal && !/^(fe[89ab][\da-f]:|169\.254\.)/i.test(address));
  return [
    ...all.filter(({ family }) => family === 'IPv4'),
    ...all.filter(({ family }) => family === 'IPv6'),
  ].map(({ address }) => address);
}
