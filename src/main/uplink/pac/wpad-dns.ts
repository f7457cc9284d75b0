import { lookup, type LookupAddress } from 'node:dns';
import { Resolver } from 'node:dns/promises';
import type { LookupFunction } from 'node:net';
import { within } from './within.ts';

/** A host of WPAD that exists, and its addresses. */
export interface FoundHost {
  readonly host: string;
  readonly addresses: readonly LookupAddress[];
}

/** Time for one question to the DNS, ms; each is asked once. */
const QUESTION_MS = 1_500;

/** Addresses of a name in the DNS alone; empty when it has none or nobody answers. */
export type AskDns = (host: string) => Promise<readonly LookupAddress[]>;

/**
 * Asks the configured DNS servers and nobody else: in the system's resolver a neighbour could answer for `wpad` through
 * LLMNR, NetBIOS or multicast DNS.
 */
export const askDns: AskDns = async (host) => {
  const resolver = new Resolver({ timeout: QUESTION_MS, tries: 1 });
  const [ipv4, ipv6] = await Promise.all([
    resolver.resolve4(host).catch(() => []),
    resolver.resolve6(host).catch(() => []),
  ]);
  return [
    ...ipv4.map((address) => ({ address, family: 4 })),
    ...ipv6.map((address) => ({ address, family: 6 })),
  ];
};

/** Time for all questions together, ms: without it a dead DNS server would be waited for once for each name. */
const DISCOVERY_MS = 5_000;

/** The first of the hosts that exists, `undefined` if none does or nobody says so in time. */
export async function findHost(
  hosts: readonly string[],
  ask: AskDns,
  wholeMs = DISCOVERY_MS,
): Promise<FoundHost | undefined> {
  return within(wholeMs, firstOf(hosts, ask));
}

async function firstOf(hosts: readonly string[], ask: AskDns): Promise<FoundHost | undefined> {
  for (const host of hosts) {
    const addresses = await ask(host);
    if (addresses.length > 0) return { host, addresses };
  }
  return undefined;
}

/** A lookup that knows the addresses of one host already and leaves other names to the system. */
export function knowing({ host, addresses }: FoundHost): LookupFunction {
  return (name, options, callback) => {
    const [first] = addresses;
    if (name !== host || first === undefined) {
      lookup(name, options, callback);
    } else if (options.all === true) {
      callback(null, [...addresses]);
    } else {
      callback(null, first.address, first.family);
    }
  };
}
